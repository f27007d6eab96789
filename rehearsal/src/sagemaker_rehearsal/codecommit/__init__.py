"""Steps 3, 4 and 6: CodeCommit over real bare Git repositories: its API, Git over HTTP, and its events."""

from sagemaker_rehearsal.codecommit import (
    branches,
    commits,
    merging,
    pull_requests,
    read_operations,
    repository_operations,
    smart_http,
    validation,
)
from sagemaker_rehearsal.codecommit.access import git_environment
from sagemaker_rehearsal.codecommit.archive import checkout, tip
from sagemaker_rehearsal.codecommit.errors import SERVICE as NAME
from sagemaker_rehearsal.codecommit.repositories import Repositories, of
from sagemaker_rehearsal.codecommit.types import RESOURCE_TYPES
from sagemaker_rehearsal.server.service import Service, collect

__all__ = ["SERVICE", "Repositories", "checkout", "git_environment", "of", "tip"]

SERVICE = Service(
    NAME,
    operations=collect(branches, commits, merging, pull_requests, read_operations, repository_operations),
    validators={NAME: validation.require_valid},
    resource_types=RESOURCE_TYPES,
    routes={smart_http.PREFIX: smart_http.serve},
)
