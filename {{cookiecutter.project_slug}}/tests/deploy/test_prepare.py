"""Step 6: only an approved package is deployed, and each stage's configuration is merged from four places."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy import prepare, stages
from deploy.approved import Package, find, newest
from deploy.prepare import Release
from pipeline.aws.environment import Environment
from pipeline.errors import DeployError
from pipeline.settings.model import Settings
from tests.deploy.aws import ARN, BUCKET, GROUP, REGION, Registry, package
from tests.deploy.test_endpoint_template import PARAMETERS

ROOT = Path(__file__).parents[2]
SIZES = ("MemorySizeInMB", "MaxConcurrency", "ProvisionedConcurrency")
ROLE = "arn:aws:iam::123456789012:role/sagemaker-adult-income-p-abc123def456-endpoint"


def test_the_newest_approved_package_is_found_over_several_pages() -> None:
    """Older approved and newer rejected versions stand on other pages, one of which the filter leaves empty."""
    registry = Registry(
        [
            package(1, minutes=1),
            package(2, "Rejected", minutes=2),
            package(3, minutes=3),
            package(4, "PendingManualApproval", minutes=4),
            package(5, "Rejected", minutes=5),
        ],
        page=2,
    )
    assert find(registry.client(), GROUP).arn == f"{ARN}/3"


def test_approval_of_an_older_version_rolls_back_to_it() -> None:
    """A given ARN wins over a newer approved version."""
    registry = Registry([package(1, minutes=1), package(2, minutes=2)])
    assert find(registry.client(), GROUP, f"{ARN}/1").version == 1


def test_of_two_packages_from_one_second_the_higher_version_is_newer() -> None:
    packages = [Package.read(package(version)) for version in (9, 10, 2)]
    assert newest(packages, GROUP).version == 10


OTHER = "churn-p-zzz999zzz999"
REFUSED = [
    ("pending", f"{ARN}/4", "its status is PendingManualApproval"),
    ("rejected", f"{ARN}/5", "its status is Rejected"),
    ("absent", f"{ARN}/77", "does not exist"),
    ("another group", f"{ARN.replace(GROUP, OTHER)}/1", f"this project deploys from its own group {GROUP} only"),
    ("no version", ARN, "must be the ARN of one version"),
    ("an injection", f"{ARN}/1; rm -rf /", "must be the ARN of one version"),
]


@pytest.mark.parametrize(("arn", "rule"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_a_package_that_may_not_be_deployed_is_refused(arn: str, rule: str) -> None:
    registry = Registry([package(4, "PendingManualApproval"), package(5, "Rejected"), package(1, group=OTHER)])
    with pytest.raises(DeployError, match=rule):
        find(registry.client(), GROUP, arn)


@pytest.mark.parametrize(
    ("packages", "remedy"),
    [([package(1, "Rejected")], "approve one in Studio"), ([], "run the training pipeline first")],
    ids=["none is approved", "there is no group"],
)
def test_without_an_approved_package_the_error_says_what_to_do(packages: list[dict[str, object]], remedy: str) -> None:
    with pytest.raises(DeployError, match=remedy) as raised:
        find(Registry(packages).client(), GROUP)
    assert raised.value.exit_code == 1


@given(
    st.lists(
        st.tuples(st.sampled_from(["Approved", "Rejected", "PendingManualApproval"]), st.integers(0, 99)), max_size=12
    )
)
def test_the_choice_is_approved_and_no_approved_one_is_newer(listed: list[tuple[str, int]]) -> None:
    packages = [Package.read(package(i + 1, status, minutes)) for i, (status, minutes) in enumerate(listed)]
    approved = [version for version in packages if version.status == "Approved"]
    if not approved:
        with pytest.raises(DeployError):
            newest(packages, GROUP)
        return
    chosen = newest(packages, GROUP)
    assert (chosen.status, chosen.created) == ("Approved", max(version.created for version in approved))


ENVIRONMENT = {
    "SAGEMAKER_PROJECT_NAME": "adult-income",
    "SAGEMAKER_PROJECT_ID": "p-abc123def456",
    "SAGEMAKER_PIPELINE_ROLE_ARN": ROLE.replace("endpoint", "pipeline"),
    "SAGEMAKER_ENDPOINT_ROLE_ARN": ROLE,
    "ARTIFACT_BUCKET": BUCKET,
    "AWS_DEFAULT_REGION": REGION,
}


def environment() -> Environment:
    """The variables of the product's CodeBuild project."""
    return Environment.read(ENVIRONMENT)


def settings(**more: Any) -> Settings:  # noqa: ANN401
    """A team's settings, parsed as the loader does."""
    values = {
        "problem_type": "BinaryClassification",
        "target_column": "income",
        "gate": {"metric": "weighted_f1", "threshold": 0.8},
        "endpoint": {"memory_mb": 2048, "max_concurrency": 5},
        **more,
    }
    return Settings.model_validate(values)


def configuration(stage: str, chosen: Settings, base: object) -> dict[str, Any]:
    """The stage's template configuration for the given settings and STAGE.json."""
    files = prepare.plan(chosen, environment(), Package.read(package(3)), {stage: base})
    return json.loads(files[Path(f"build/{stage}.json")])  # type: ignore[no-any-return]


def test_the_merged_configuration_is_complete() -> None:
    chosen = settings(
        tags={"team": "risk"},
        stages={
            "prod": {
                "memory_mb": 4096,
                "max_concurrency": 50,
                "provisioned_concurrency": 2,
                "min_provisioned_concurrency": 1,
                "max_provisioned_concurrency": 10,
            }
        },
        check={"max_p95_ms": 250.0},
    )
    topic = "arn:aws:sns:us-east-1:123456789012:pages"
    expected = {
        "Parameters": {
            "AlarmTopicArn": topic,
            "EndpointRoleArn": ROLE,
            "MaxConcurrency": "50",
            "MaxProvisionedConcurrency": "10",
            "MemorySizeInMB": "4096",
            "MinProvisionedConcurrency": "1",
            "ModelLatencyAlarmMicroseconds": "250000",
            "ModelPackageArn": f"{ARN}/3",
            "ProvisionedConcurrency": "2",
            "SageMakerProjectId": "p-abc123def456",
            "SageMakerProjectName": "adult-income",
            "StageName": "prod",
        },
        "Tags": {
            "cost-centre": "42",
            "model-package-version": "3",
            "sagemaker:project-id": "p-abc123def456",
            "sagemaker:project-name": "adult-income",
            "team": "risk",
        },
    }
    base = {"Parameters": {"AlarmTopicArn": topic}, "Tags": {"cost-centre": "42"}}
    assert configuration("prod", chosen, base) == expected


def test_a_stage_without_sizes_of_its_own_takes_those_of_endpoint() -> None:
    merged = configuration("staging", settings(stages={"prod": {"memory_mb": 6144}}), {})
    sizes = {name: merged["Parameters"][name] for name in SIZES}
    assert sizes == {"MemorySizeInMB": "2048", "MaxConcurrency": "5", "ProvisionedConcurrency": "0"}


def test_a_stage_may_switch_off_what_endpoint_keeps_warm() -> None:
    chosen = settings(
        endpoint={"memory_mb": 2048, "max_concurrency": 5, "provisioned_concurrency": 2},
        stages={"staging": {"provisioned_concurrency": 0}},
    )
    warm = [configuration(stage, chosen, {})["Parameters"]["ProvisionedConcurrency"] for stage in stages.STAGES]
    assert warm == ["0", "2"]


def test_the_configurations_give_every_parameter_of_the_template_and_no_other() -> None:
    """The shipped STAGE.json and the merged values together are the template's parameters."""
    for stage in stages.STAGES:
        merged = configuration(stage, settings(), prepare.read_base(stage, ROOT))
        assert sorted(merged["Parameters"]) == sorted(PARAMETERS)


WRONG_BASES = [
    ("size", {"Parameters": {"MemorySizeInMB": "1024"}}, "Parameters.MemorySizeInMB: got '1024'; settings.yaml"),
    ("tag", {"Tags": {"sagemaker:project-id": "p-1"}}, "Tags.sagemaker:project-id"),
    ("number", {"Parameters": {"AlarmTopicArn": 1}}, "CloudFormation takes text only; quote it"),
    ("section", {"parameters": {}}, "parameters: is no section of a template configuration"),
    ("list", [], "must be a JSON object"),
    ("flat", {"Parameters": "x"}, "must be a JSON object"),
    ("many tags", {"Tags": {f"t{i}": "x" for i in range(50)}}, "a stack takes at most 50"),
]


@pytest.mark.parametrize(
    ("base", "sentence"), [case[1:] for case in WRONG_BASES], ids=[case[0] for case in WRONG_BASES]
)
def test_a_base_that_is_wrong_or_repeats_another_place_is_refused(base: object, sentence: str) -> None:
    with pytest.raises(DeployError, match=sentence):
        configuration("staging", settings(), base)


def shipped(root: Path) -> Path:
    """A copy of the repository's STAGE.json files."""
    (root / "deploy").mkdir()
    for stage in stages.STAGES:
        text = (ROOT / "deploy" / f"{stage}.json").read_text(encoding="utf-8")
        (root / "deploy" / f"{stage}.json").write_text(text, encoding="utf-8")
    return root


def test_three_files_are_written_and_the_release_reads_back(tmp_path: Path) -> None:
    written = prepare.run(settings(), environment(), Registry([package(3)]).client(), shipped(tmp_path))
    assert sorted(map(str, written)) == ["build/prod.json", "build/release.json", "build/staging.json"]
    endpoints = {"staging": "adult-income-staging", "prod": "adult-income-prod"}
    assert Release.load(tmp_path / "build" / "release.json") == Release(f"{ARN}/3", GROUP, 3, endpoints)


def test_nothing_is_written_when_one_stage_is_wrong(tmp_path: Path) -> None:
    (shipped(tmp_path) / "deploy" / "prod.json").write_text("{", encoding="utf-8")
    with pytest.raises(DeployError, match=r"deploy/prod\.json: cannot be read"):
        prepare.run(settings(), environment(), Registry([package(3)]).client(), tmp_path)
    assert not (tmp_path / "build").exists()


@pytest.mark.parametrize("text", [None, "{", "[]", '{"version": 1}'])
def test_a_release_that_cannot_be_read_says_to_prepare(text: str | None, tmp_path: Path) -> None:
    path = tmp_path / "release.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(DeployError, match="python -m deploy prepare"):
        Release.load(path)
