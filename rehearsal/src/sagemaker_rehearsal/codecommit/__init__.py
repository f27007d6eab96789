"""Steps 3, 4 and 6: CodeCommit over real bare Git repositories: its API, Git over HTTP, and its events.

Importing this registers the operations; `Cloud(plugins=["sagemaker_rehearsal.codecommit"])` is enough.
"""

from sagemaker_rehearsal.codecommit import (  # noqa: F401 (register their operations)
    branches,
    commits,
    merging,
    pull_requests,
    read_operations,
    repository_operations,
    resources,
    validation,
)
from sagemaker_rehearsal.codecommit.access import git_environment
from sagemaker_rehearsal.codecommit.archive import checkout, tip
from sagemaker_rehearsal.codecommit.repositories import Repositories, of

__all__ = ["Repositories", "checkout", "git_environment", "of", "tip"]
