"""Steps 3, 4, 6 and 8: CodeBuild: projects, and builds that run the real buildspec under the project's service role."""

from catalog.rehearsal.codebuild import operations, types
from catalog.rehearsal.codebuild.artifacts import Location
from catalog.rehearsal.codebuild.build import Build, Handover
from catalog.rehearsal.codebuild.service import Builds, of

__all__ = ["Build", "Builds", "Handover", "Location", "of", "operations", "types"]
