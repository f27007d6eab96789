"""Steps 4 and 6: which pipeline an event starts, with which commit and model package, or why it starts none. Pure.

Names are derived, never carried: `sagemaker-<name>-<id>` is a project's repository, `<name>-<id>` its model package
group, and both give the names of its two pipelines. So no event can name another project's pipeline.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalog.router.paths import BUILD, DEPLOY, touched

PUSH_TYPE = "CodeCommit Repository State Change"
APPROVAL_TYPE = "SageMaker Model Package State Change"
COMMIT = re.compile(r"[0-9a-f]{40}")
# Of a project made by SageMaker: a name of at most 32 characters and an id of at most 20, which begins with p-
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateProject.html
PROJECT = r"[a-zA-Z](?:-*[a-zA-Z0-9]){0,31}-p-[a-z0-9]{1,18}"
REPOSITORY = re.compile(rf"sagemaker-(?P<project>{PROJECT})")
PACKAGE = re.compile(
    r"arn:aws[a-z-]*:sagemaker:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{12})"
    rf":model-package/(?P<project>{PROJECT})/[0-9]{{1,9}}"
)
# https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_StartPipelineExecution.html
TOKEN = re.compile(r"[a-zA-Z0-9-]{1,100}")


@dataclass(frozen=True)
class Here:
    """Where the function runs; events of other places are none of its business."""

    account: str
    region: str


@dataclass(frozen=True)
class Ignore:
    """Nothing starts; the log says why."""

    because: str


@dataclass(frozen=True)
class Push:
    """A branch of a project's repository points to another commit."""

    event: str
    project: str
    branch: str
    commit: str
    old_commit: str  # empty when the branch is new

    @property
    def repository(self) -> str:
        """The repository's name."""
        return f"sagemaker-{self.project}"


@dataclass(frozen=True)
class Approval:
    """A version in a project's model package group is said to be approved."""

    event: str
    project: str
    package: str


@dataclass(frozen=True)
class Package:
    """What the registry says of a version now.

    Attributes:
        arn: which version.
        status: Approved, Rejected or PendingManualApproval.
        commit: the commit that trained it; empty where a laptop did.
        changed: when the registry last changed it; empty where it does not say.
    """

    arn: str
    status: str
    commit: str = ""
    changed: str = ""


@dataclass(frozen=True)
class Source:
    """What a project's build pipeline is built from, by its own definition."""

    repository: str
    branch: str


@dataclass(frozen=True)
class Start:
    """One execution to start.

    Attributes:
        pipeline: the CodePipeline's name.
        commit: the commit to take; empty for the branch's tip.
        variables: of the pipeline.
        token: equal for equal requests, so that a second delivery starts nothing.
        because: for the log.
    """

    pipeline: str
    commit: str
    variables: Mapping[str, str]
    token: str
    because: str


Decision = Ignore | Sequence[Start]


def read(event: object, here: Here) -> Push | Approval | Ignore:
    """Take apart what EventBridge delivered."""
    if not isinstance(event, Mapping) or not isinstance(event.get("detail"), Mapping):
        return Ignore("no event of EventBridge: it has no detail")
    kind, origin = event.get("detail-type"), event.get("source")
    if not isinstance(event.get("id"), str) or not TOKEN.fullmatch(event["id"]):
        return Ignore("no event of EventBridge: it has no id")
    if (event.get("account"), event.get("region")) != (here.account, here.region):
        return Ignore(f"an event of account {event.get('account')!r} in {event.get('region')!r}; this is another place")
    # AWS's own example of the second kind gives the source as a list
    if kind == PUSH_TYPE and origin in ("aws.codecommit", ["aws.codecommit"]):
        return _push(event["id"], event["detail"])
    if kind == APPROVAL_TYPE and origin in ("aws.sagemaker", ["aws.sagemaker"]):
        return _approval(event["id"], event["detail"], here)
    return Ignore(f"events of type {kind!r} from {origin!r} start nothing")


def _push(event: str, detail: Mapping[str, Any]) -> Push | Ignore:
    """https://docs.aws.amazon.com/codecommit/latest/userguide/monitoring-events.html."""
    name, kind = str(detail.get("repositoryName", "")), detail.get("event")
    match = REPOSITORY.fullmatch(name)
    if match is None:
        return Ignore(f"repository {name!r} is not a project's: its name must be sagemaker-NAME-ID")
    if detail.get("referenceType") != "branch":
        return Ignore(f"a {detail.get('referenceType')!r} in {name}; only branches start pipelines")
    if kind not in ("referenceCreated", "referenceUpdated"):
        return Ignore(f"event {kind!r} in {name}: no commit arrived")
    commit, old = str(detail.get("commitId", "")), str(detail.get("oldCommitId") or "")
    if not COMMIT.fullmatch(commit) or (kind == "referenceUpdated" and not COMMIT.fullmatch(old)):
        return Ignore(f"event {kind!r} in {name}: names no commits")
    old = old if kind == "referenceUpdated" else ""
    return Push(event, match["project"], str(detail.get("referenceName", "")), commit, old)


def _approval(event: str, detail: Mapping[str, Any], here: Here) -> Approval | Ignore:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html."""
    arn = str(detail.get("ModelPackageArn", ""))
    match = PACKAGE.fullmatch(arn)
    if match is None:
        return Ignore(f"model package {arn!r} is not a version in a project's group, NAME-ID")
    if (match["account"], match["region"]) != (here.account, here.region):
        return Ignore(f"{arn} belongs to another account or region")
    if str(detail.get("ModelPackageGroupName", "")).lower() != match["project"].lower():
        return Ignore(f"{arn} is not in the group {detail.get('ModelPackageGroupName')!r} that the event names")
    if detail.get("ModelApprovalStatus") != "Approved":
        return Ignore(f"{arn} is {detail.get('ModelApprovalStatus')}; only an approval starts the deployment")
    changed = detail.get("UpdatedModelPackageFields")
    if isinstance(changed, list) and changed and "ModelApprovalStatus" not in changed:
        return Ignore(f"{arn} was approved before; only {_few([str(field) for field in changed])} changed")
    # SageMaker writes some names in lower case inside ARNs: the group's own name is the right one
    return Approval(event, str(detail["ModelPackageGroupName"]), arn)


def on_push(push: Push, source: Source, changed: Sequence[str] | None, package: Package | None) -> Decision:
    """Decide what a push starts.

    Args:
        push: the push.
        source: what the project's build pipeline is built from.
        changed: the paths that differ between both commits; None where there is no older commit to compare with.
        package: the newest approved version, if there is one; asked for only when `needs_package`.
    """
    if source.repository != push.repository:
        origin = source.repository or "another Git host"
        return Ignore(f"the pipeline of {push.project} is built from {origin}, not from {push.repository}")
    if source.branch != push.branch:
        return Ignore(f"branch {push.branch!r} of {push.repository}; the pipelines are built from {source.branch!r}")
    if changed is None:
        return (_build(push, "there is no earlier commit to compare with"),)
    starts = []
    if code := touched(changed, BUILD):
        starts.append(_build(push, f"changed: {_few(code)}"))
    if package and (release := touched(changed, DEPLOY)):
        starts.append(_deploy(push.project, package, push.commit, push.event, f"changed: {_few(release)}"))
    return tuple(starts) or Ignore(_idle(push, changed))


def _idle(push: Push, changed: Sequence[str]) -> str:
    """Return why a push to the right branch starts nothing."""
    if not changed:
        return f"{push.commit} holds the same files as the commit before it"
    if release := touched(changed, DEPLOY):
        return f"{_few(release)} changed, but no model is approved yet; the first approval deploys"
    return f"none of the {len(changed)} changed paths is part of training or deploying: {_few(changed)}"


def needs_package(changed: Sequence[str] | None) -> bool:
    """Return whether the registry has to be asked about a push."""
    return bool(changed and touched(changed, DEPLOY))


def on_approval(approval: Approval, package: Package | None) -> Decision:
    """Decide what an approval starts: the deployment of exactly this version by the code that trained it.

    Args:
        approval: the event.
        package: what the registry says of the version now, for the event may be late; None when it was deleted.
    """
    if package is None:
        return Ignore(f"{approval.package} is not in the registry any more")
    if package.status != "Approved":
        return Ignore(f"{package.arn} is {package.status} by now; only approved models are deployed")
    because = "approved" if package.commit else "approved; it names no commit, so the branch's tip deploys it"
    return (_deploy(approval.project, package, package.commit, _same(approval, package), because),)


def _same(approval: Approval, package: Package) -> str:
    """Return what all events of one approval share: SageMaker may send several, each with an id of its own.

    https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
    """
    if not package.changed:
        return approval.event
    return hashlib.sha256(f"{package.arn} {package.changed}".encode()).hexdigest()[:32]


def _build(push: Push, because: str) -> Start:
    name = f"sagemaker-{push.project}-build"
    return Start(name, push.commit, {}, f"{push.event}-build", because)


def _deploy(project: str, package: Package, commit: str, same: str, because: str) -> Start:
    variables = {"ModelPackageArn": package.arn} | ({"Commit": package.commit} if package.commit else {})
    return Start(f"sagemaker-{project}-deploy", commit, variables, f"{same}-deploy", because)


def _few(paths: Sequence[str]) -> str:
    shown = ", ".join(path[:100] for path in paths[:5])
    return shown if len(paths) <= 5 else f"{shown} and {len(paths) - 5} more"
