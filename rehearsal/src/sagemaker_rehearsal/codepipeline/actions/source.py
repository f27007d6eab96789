"""Steps 4 and 6: source actions: the tip of a branch, or the commit that the start requested, as an artifact.

https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodeCommit.html
https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodestarConnectionSource.html
"""

import io
import shutil
import subprocess
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from sagemaker_rehearsal.codebuild import artifacts
from sagemaker_rehearsal.codepipeline.actions.work import Failed, Work
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.service import ACCOUNT

COMMIT = "COMMIT_ID"


def from_codecommit(work: Work) -> None:
    """Store a commit of a CodeCommit repository as the output artifact.

    Raises:
        Failed: when branch or commit does not exist.
    """
    from sagemaker_rehearsal import codecommit

    repository, branch = work.configuration["RepositoryName"], work.configuration["BranchName"]
    client = work.client("codecommit")
    commit = _requested_commit(work) or _tip(client, repository, branch)
    try:
        details = client.get_commit(repositoryName=repository, commitId=commit)["commit"]
    except ClientError as error:
        raise _unavailable(error) from error
    region = work.cloud.region
    address = f"https://console.aws.amazon.com/codecommit/home?region={region}#/repository/{repository}"
    work.run.entity_url = f"{address}/browse/{branch}/--/"
    work.run.revision_url = f"{address}/commit/{commit}"
    _record_revision(work, commit, details.get("message", ""))
    work.run.variables = {
        "AuthorDate": _date(details["author"]),
        "BranchName": branch,
        "CommitId": commit,
        "CommitMessage": details.get("message", ""),
        "CommitterDate": _date(details["committer"]),
        "RepositoryName": repository,
    }

    # CodePipeline reads the files with these permissions; no public API operation checks them
    # https://docs.aws.amazon.com/codepipeline/latest/userguide/how-to-custom-role.html#how-to-update-role-new-services
    for permission in ("UploadArchive", "GetUploadArchiveStatus"):
        work.require(f"codecommit:{permission}", f"arn:aws:codecommit:{region}:{ACCOUNT}:{repository}")

    def export(folder: Path) -> None:
        codecommit.checkout(work.cloud, repository, commit, folder)

    _store(work, export)


def _requested_commit(work: Work) -> str:
    """Return the commit that StartPipelineExecution named for this action; empty for none."""
    override = work.passage.revisions.get(work.run.action.name, {})
    return override["revisionValue"] if override.get("revisionType") == COMMIT else ""


def _tip(client: Any, repository: str, branch: str) -> str:  # noqa: ANN401 (boto3 clients have no type)
    try:
        return str(client.get_branch(repositoryName=repository, branchName=branch)["branch"]["commitId"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "BranchDoesNotExistException":
            raise _unavailable(error) from error
        raise Failed(
            f"The action failed because no branch named {branch} was found in the selected AWS CodeCommit repository "
            f"{repository}. Make sure you are using the correct branch name, and then try again.",
            "ConfigurationError",
        ) from error


def _unavailable(error: ClientError) -> Exception:
    code = error.response["Error"]["Code"]
    if code == "RepositoryDoesNotExistException":
        return Failed(f"The action failed because the repository was not found: {error}", "ConfigurationError")
    return Failed(str(error), "RevisionUnavailable") if "Commit" in code else error


def _date(person: dict[str, str]) -> str:
    """Convert CodeCommit's seconds and offset to a date in UTC, as the variables have it."""
    seconds = person.get("date", "0").split()[0]
    try:
        return datetime.fromtimestamp(float(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        return person.get("date", "")


def _record_revision(work: Work, commit: str, message: str) -> None:
    work.run.revision = work.run.external_id = commit
    work.run.external_url = work.run.revision_url
    work.run.summary = message[:2048]


def _store(work: Work, export: Any) -> None:  # noqa: ANN401 (a function that fills a folder)
    """Upload the files to the artifact store; CodePipeline reads its versioning first, which needs a permission."""
    name = work.run.action.outputs[0]
    folder = work.folder / name
    try:
        export(folder)
    except AwsError as error:
        raise Failed(error.message, "RevisionUnavailable") from error
    s3, target = work.client("s3"), work.location(name)
    s3.get_bucket_versioning(Bucket=target.bucket)
    work.run.outputs = {name: artifacts.store(s3, folder, target)}


def from_connection(work: Work) -> None:
    """Store a commit of a Git host's repository as the output artifact; a bare repository on disk stands for the host.

    `cloud.options["hosts"]` maps FullRepositoryId to its folder; the default is `cloud.state/hosts/ID.git`.

    Raises:
        Failed: when repository, branch or commit does not exist.
    """
    configuration = work.configuration
    repository, branch = configuration["FullRepositoryId"], configuration["BranchName"]
    hosts = work.cloud.options.get("hosts") or {}
    folder = Path(hosts.get(repository) or work.cloud.state / "hosts" / f"{repository}.git")
    arn = configuration["ConnectionArn"]
    # The service's older name is a prefix of its own: https://docs.aws.amazon.com/dtconsole/latest/userguide/rename.html
    prefix = arn.split(":")[2]
    work.require(f"{prefix}:UseConnection", arn, **{f"{prefix}__fullrepositoryid": repository})
    if not folder.is_dir():
        raise Failed(f"[{arn}] No Repository found with FullRepositoryId {repository}", "ConfigurationError")
    commit = (
        _requested_commit(work)
        or _git(folder, "rev-parse", "--verify", "-q", f"refs/heads/{branch}^{{commit}}").strip()
    )
    if not commit:
        raise Failed(f"[{repository}] No Branch [{branch}] found", "ConfigurationError")
    facts = _git(folder, "show", "-s", "--format=%aI%x00%an%x00%B", f"{commit}^{{commit}}").split("\0", 2)
    if len(facts) < 3:
        raise Failed(f"[{repository}] No commit {commit} found", "RevisionUnavailable")
    work.run.revision_url = (
        f"https://{work.cloud.region}.console.aws.amazon.com/codesuite/settings/connections/redirect?"
        f"connectionArn={arn}&referenceType=COMMIT&FullRepositoryId={repository}&Commit={commit}"
    )
    _record_revision(work, commit, facts[2].strip())
    work.run.variables = {
        "AuthorDate": facts[0],
        "AuthorDisplayName": facts[1],
        "BranchName": branch,
        "CommitId": commit,
        "CommitMessage": facts[2].strip(),
        "ConnectionArn": arn,
        "FullRepositoryName": repository,
    }
    _store(work, lambda target: _export(folder, commit, target))


def _git(repository: Path, *arguments: str) -> str:
    git = shutil.which("git") or "git"
    done = subprocess.run(  # noqa: S603 (Git, on the rehearsal's own repository)
        [git, "--git-dir", str(repository), *arguments], capture_output=True, check=False
    )
    return "" if done.returncode else done.stdout.decode("utf-8", "replace")


def _export(repository: Path, commit: str, target: Path) -> None:
    git = shutil.which("git") or "git"
    done = subprocess.run(  # noqa: S603 (as above)
        [git, "--git-dir", str(repository), "archive", "--format=tar", commit], capture_output=True, check=True
    )
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(target, filter="data")
