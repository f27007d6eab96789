"""Steps 3, 4 and 6: CodeCommit over real bare Git repositories: its API, Git over HTTP, and its events.

Importing this registers the operations; `Cloud(plugins=["catalog.rehearsal.codecommit"])` is enough.
"""

from catalog.rehearsal.codecommit import (  # noqa: F401 (register their operations)
    branches,
    commits,
    merging,
    metadata,
    pull_requests,
    reading,
    resources,
    validation,
)
from catalog.rehearsal.codecommit.access import git_environment
from catalog.rehearsal.codecommit.checkout import checkout, tip
from catalog.rehearsal.codecommit.repositories import Repositories, of

__all__ = ["Repositories", "checkout", "git_environment", "of", "tip"]
