"""Steps 4 and 6 to 10: the action types' implementations; all but approvals end with their function."""

from collections.abc import Callable, Mapping

from sagemaker_rehearsal.codepipeline.actions import approval, cloudformation, codebuild, source
from sagemaker_rehearsal.codepipeline.actions.work import Ended, Failed, Work

APPROVAL = ("Approval", "Manual")
PERFORM: Mapping[tuple[str, str], Callable[[Work], None]] = {
    ("Source", "CodeCommit"): source.from_codecommit,
    ("Source", "CodeStarSourceConnection"): source.from_connection,
    ("Build", "CodeBuild"): codebuild.build,
    ("Test", "CodeBuild"): codebuild.build,
    ("Deploy", "CloudFormation"): cloudformation.deploy,
    APPROVAL: approval.ask,
}

__all__ = ["APPROVAL", "PERFORM", "Ended", "Failed", "Work"]
