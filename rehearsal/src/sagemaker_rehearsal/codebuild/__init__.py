"""Steps 3, 4, 6 and 8: CodeBuild: projects, and builds that run the real buildspec under the project's service role."""

from sagemaker_rehearsal.codebuild import operations, types
from sagemaker_rehearsal.codebuild.artifacts import Location
from sagemaker_rehearsal.codebuild.build import Build, Handover
from sagemaker_rehearsal.codebuild.service import Builds, of

__all__ = ["Build", "Builds", "Handover", "Location", "of", "operations", "types"]
