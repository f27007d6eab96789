"""Steps 3, 4, 6 and 8: CodeBuild: projects, and builds that run the real buildspec under the project's service role."""

from sagemaker_rehearsal.codebuild import operations
from sagemaker_rehearsal.codebuild.artifacts import Location
from sagemaker_rehearsal.codebuild.build import Build, Handover
from sagemaker_rehearsal.codebuild.service import Builds, of
from sagemaker_rehearsal.codebuild.types import RESOURCE_TYPES
from sagemaker_rehearsal.server.service import Service, collect

__all__ = ["SERVICE", "Build", "Builds", "Handover", "Location", "of"]

SERVICE = Service("codebuild", operations=collect(operations), resource_types=RESOURCE_TYPES)
