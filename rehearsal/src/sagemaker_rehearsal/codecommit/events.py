"""Steps 3 and 4: publish each change of a repository to EventBridge once.

The format is documented at https://docs.aws.amazon.com/codecommit/latest/userguide/monitoring-events.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sagemaker_rehearsal import events
from sagemaker_rehearsal.server.service import Host

SOURCE = "aws.codecommit"
CHANGED = "CodeCommit Repository State Change"
KINDS = {"refs/heads/": "branch", "refs/tags/": "tag"}


def detail(
    repository: str, repository_id: str, reference: str, old: str | None, new: str | None, merge: Mapping[str, str]
) -> dict[str, Any]:
    """Return the detail of the event for one reference.

    Args:
        repository: its name.
        repository_id: its id.
        reference: the full name, such as `refs/heads/main`.
        old: the commit before; None when the reference was created.
        new: the commit now; None when the reference was deleted.
        merge: additional members for a merge.
    """
    event = "referenceCreated" if old is None else "referenceDeleted" if new is None else "referenceUpdated"
    prefix = next(prefix for prefix in KINDS if reference.startswith(prefix))
    return {
        "event": event,
        "repositoryName": repository,
        "repositoryId": repository_id,
        "referenceType": KINDS[prefix],
        "referenceName": reference.removeprefix(prefix),
        "referenceFullName": reference,
        **({"commitId": new} if new else {}),
        **({"oldCommitId": old} if old else {}),
        **merge,
    }


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> list[tuple[str, str | None, str | None]]:
    """Return each changed reference with its old and new commit."""
    names = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    return [(name, before.get(name), after.get(name)) for name in names]


def publish(cloud: Host, arn: str, facts: dict[str, Any]) -> None:
    """Publish an event to EventBridge."""
    events.publish(cloud, SOURCE, CHANGED, facts, [arn])
