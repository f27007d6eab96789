"""Step 6: only the newest approved package, or the approved version that is requested, is deployed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.approved import Package, find, newest
from pipeline.errors import DeployError
from tests.deploy.aws import ARN, GROUP, Registry, package


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
