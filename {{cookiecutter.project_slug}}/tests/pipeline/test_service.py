"""Upload, upsert, start and watch: what is sent to AWS, and what a person reads when it goes wrong."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from pipeline.aws import names, service, upload
from pipeline.aws.environment import BUILD, RULES, Environment, EnvironmentVariableError
from pipeline.data.sources import Source
from pipeline.errors import PipelineError, RunError
from tests.deploy.aws import START, AwsError, client
from tests.pipeline.project import ENVIRONMENT, flow, of

FILES = ("flows/preprocess.flow", "data.csv", "flows/balance.flow")


class Bucket:
    """S3 with one bucket; answers `absent` to absent keys: 403 where listing is not allowed."""

    def __init__(self, absent: int = 404) -> None:
        self.uploads: list[dict[str, Any]] = []
        self.absent = absent

    def client(self) -> Any:  # noqa: ANN401
        return client("s3", {"HeadObject": self.head, "PutObject": self.put})

    def head(self, request: dict[str, Any]) -> dict[str, Any]:
        if request["Key"] not in [upload["Key"] for upload in self.uploads]:
            raise AwsError(str(self.absent), "", self.absent)
        return {}

    def put(self, request: dict[str, Any]) -> dict[str, Any]:
        self.uploads.append(request)
        return {}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in {
        "flows/preprocess.flow": flow(),
        "flows/balance.flow": flow(name="train.csv", destinations=("even",)),
        "pipeline/__init__.py": "",
        "pipeline/steps/split.py": "1",
        "data.csv": "a,y\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_keys_hold_the_hash_of_the_content(project: Path) -> None:
    data = Source(project / "data.csv", "here")
    planned = upload.plan(project, of("flow: {balance: flows/balance.flow}\n"), "bucket", data)
    hashes = [hashlib.sha256((project / upload).read_bytes()).hexdigest()[:16] for upload in FILES]
    code = planned.sources.code_uri.removeprefix("s3://bucket/")
    assert [upload.key for upload in planned.uploads] == [
        f"flows/{hashes[0]}/preprocess.flow",
        f"{code}/pipeline/__init__.py",
        f"{code}/pipeline/steps/split.py",
        f"input/{hashes[1]}/data.csv",
        f"flows/{hashes[2]}/balance.flow",
    ]
    assert planned.sources.input_uri == f"s3://bucket/input/{hashes[1]}/data.csv"


def test_a_change_of_a_script_changes_the_folder_of_all(project: Path) -> None:
    before = upload.plan(project, of(), "bucket").sources.code_uri
    (project / "pipeline/steps/split.py").write_text("2")
    assert upload.plan(project, of(), "bucket").sources.code_uri != before


@pytest.mark.parametrize("absent", [403, 404])
def test_what_is_there_is_not_uploaded_again(project: Path, absent: int) -> None:
    bucket, planned = Bucket(absent), upload.plan(project, of(), "bucket", Source(project / "data.csv", "here"))
    counts = [len(upload.execute(bucket.client(), "bucket", planned.uploads)) for _ in range(2)]
    assert counts == [4, 0]


def test_objects_are_encrypted_with_the_teams_key(project: Path) -> None:
    bucket = Bucket()
    upload.execute(bucket.client(), "bucket", upload.plan(project, of(), "bucket").uploads[:1], "alias/ours")
    encryption = [(put["ServerSideEncryption"], put["SSEKMSKeyId"]) for put in bucket.uploads]
    assert encryption == [("aws:kms", "alias/ours")]


def test_an_absent_flow_is_a_sentence(project: Path) -> None:
    with pytest.raises(PipelineError, match=r"flow\.file: flows/other\.flow cannot be read"):
        upload.plan(project, of("flow: {file: flows/other.flow}\n"), "bucket")


Looks = list[tuple[str, dict[str, str]]]  # status of the execution and of each step, at each look


class Pipelines:
    """SageMaker's pipelines: none at first; an execution whose steps move on at each look."""

    def __init__(self, looks: Looks | None = None) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.known: set[str] = set()
        self.looks = looks or []

    def client(self) -> Any:  # noqa: ANN401
        return client(
            "sagemaker",
            {
                "UpdatePipeline": lambda request: self.call("update", request, {"PipelineArn": "arn"}),
                "CreatePipeline": self.create,
                "StartPipelineExecution": lambda request: self.call(
                    "start", request, {"PipelineExecutionArn": "arn/1"}
                ),
                "ListPipelineExecutions": lambda request: self.call(
                    "list", request, {"PipelineExecutionSummaries": []}
                ),
                "DescribePipelineExecution": lambda _: {"PipelineExecutionStatus": self.looks[0][0]},
                "ListPipelineExecutionSteps": self.steps,
            },
        )

    def call(self, name: str, request: dict[str, Any], response: dict[str, Any]) -> dict[str, Any]:
        if request["PipelineName"] not in self.known:
            raise AwsError("ResourceNotFound", "Pipeline does not exist.")
        self.calls.append((name, request))
        return response

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        self.known.add(request["PipelineName"])
        return self.call("create", request, {"PipelineArn": "arn"})

    def steps(self, _: dict[str, Any]) -> dict[str, Any]:
        steps = self.looks[0][1].items()
        self.looks = self.looks[1:] or self.looks
        failed = {"Failed": "why"}
        return {
            "PipelineExecutionSteps": [
                {"StepName": name, "StepStatus": status, "StartTime": START, "FailureReason": failed.get(status, "")}
                for name, status in steps
            ]
        }


def test_a_pipeline_is_created_once_and_then_updated() -> None:
    sagemaker = Pipelines()
    for _ in range(2):
        service.upsert(sagemaker.client(), "p", "{}", ENVIRONMENT.role_arn, [{"Key": "team", "Value": "risk"}])
    assert [(name, "Tags" in request) for name, request in sagemaker.calls] == [("create", True), ("update", False)]


def test_start_sends_the_parameters() -> None:
    sagemaker = Pipelines()
    sagemaker.known.add("p")
    service.start(sagemaker.client(), "p", {"Commit": "abc"}, "commit abc")
    assert sagemaker.calls[-1][1]["PipelineParameters"] == [{"Name": "Commit", "Value": "abc"}]


@pytest.mark.parametrize("call", [lambda s: service.start(s, "p", {}, ""), lambda s: service.latest(s, "p")])
def test_a_pipeline_that_is_not_there_is_a_sentence(call: Any) -> None:  # noqa: ANN401
    with pytest.raises(RunError, match=r"pipeline p: (does not exist; run|has never run; run) `python -m pipeline"):
        call(Pipelines().client())


def watched(looks: Looks) -> list[str]:
    told: list[str] = []
    service.wait(Pipelines(looks).client(), "arn", told.append, sleep=lambda _: None, clock=iter(range(100)).__next__)
    return told


def test_each_change_of_a_step_is_told_once_with_the_time() -> None:
    told = watched(
        [
            ("Executing", {"Preprocess": "Executing"}),
            ("Executing", {"Preprocess": "Executing"}),
            ("Succeeded", {"Preprocess": "Succeeded"}),
        ]
    )
    assert told == ["    1.0 s  Preprocess   Executing", "    2.0 s  Preprocess   Succeeded"]


def test_a_failure_raises_with_the_steps_reason() -> None:
    with pytest.raises(RunError, match="execution arn: Failed; Split: why"):
        watched([("Failed", {"Preprocess": "Succeeded", "Split": "Failed"})])


VARIABLES = {
    "SAGEMAKER_PROJECT_NAME": ENVIRONMENT.project_name,
    "SAGEMAKER_PROJECT_ID": ENVIRONMENT.project_id,
    "SAGEMAKER_PIPELINE_ROLE_ARN": ENVIRONMENT.role_arn,
    "ARTIFACT_BUCKET": ENVIRONMENT.bucket,
    "AWS_DEFAULT_REGION": ENVIRONMENT.region,
}


def test_the_environment_is_read() -> None:
    assert (
        Environment.read({**VARIABLES, "CODEBUILD_RESOLVED_SOURCE_VERSION": ENVIRONMENT.commit}, BUILD) == ENVIRONMENT
    )


def test_everything_that_is_absent_or_wrong_is_said_at_once() -> None:
    with pytest.raises(EnvironmentVariableError) as caught:
        Environment.read({"SAGEMAKER_PROJECT_NAME": "-x", "STAGE": "dev"}, BUILD)
    variables = [line.split(":")[0] for line in str(caught.value).splitlines()]
    assert variables == [name for name in RULES if name in (*BUILD, "STAGE")]


def test_names_keep_to_63_characters_with_the_longest_project() -> None:
    name, identity = "a" * 32, "p-" + "b" * 14
    derived = [names.bucket(identity), names.model_package_group(name, identity), names.endpoint(name, "staging")]
    assert [len(text) <= 63 for text in derived] == [True] * 3
    assert len(names.pipeline(name, identity)) <= 256
    assert len(names.stack(name, identity, "staging")) <= 128
