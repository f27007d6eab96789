"""Step 9: manual approvals: notify an SNS topic where one is configured; PutApprovalResult completes them.

https://docs.aws.amazon.com/codepipeline/latest/userguide/approvals.html
"""

import json
from datetime import timedelta

from sagemaker_rehearsal.codepipeline.actions.work import Work
from sagemaker_rehearsal.codepipeline.models import new_id

# "By default, an approval action ... must be approved within seven days"
DEFAULT_MINUTES = 7 * 24 * 60
TIMED_OUT = "The approval action has timed out"


def minutes(work: Work) -> int:
    """Return the timeout of an approval in minutes."""
    return work.run.action.timeout_minutes or DEFAULT_MINUTES


def ask(work: Work) -> None:
    """Publish the approval request; the action stays InProgress until PutApprovalResult or the timeout."""
    topic = work.configuration.get("NotificationArn")
    token = new_id()
    work.run.entity_url = work.configuration.get("ExternalEntityLink", "")
    if topic:
        request = json.dumps(message(work, token))
        subject = f"APPROVAL NEEDED: AWS CodePipeline {work.passage.pipeline.name} for action {work.run.action.name}"
        work.client("sns").publish(TopicArn=topic, Subject=subject[:100], Message=request)
    work.run.token = token


def message(work: Work, token: str) -> dict[str, object]:
    """Return the notification's content.

    https://docs.aws.amazon.com/codepipeline/latest/userguide/approvals-json-format.html
    """
    region, run, pipeline = work.cloud.region, work.run, work.passage.pipeline.name
    console = f"https://console.aws.amazon.com/codepipeline/home?region={region}#/view/{pipeline}"
    expires = run.started + timedelta(minutes=minutes(work))
    return {
        "region": region,
        "consoleLink": console,
        "approval": {
            "pipelineName": pipeline,
            "stageName": run.stage,
            "actionName": run.action.name,
            "token": token,
            "expires": expires.strftime("%Y-%m-%dT%H:%MZ"),
            "externalEntityLink": work.configuration.get("ExternalEntityLink"),
            "approvalReviewLink": f"{console}/{run.stage}/{run.action.name}/approve/{token}",
            "customData": work.configuration.get("CustomData"),
        },
    }
