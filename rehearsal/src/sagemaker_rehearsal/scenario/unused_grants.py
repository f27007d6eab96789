"""The report's second list: why a permission is granted that a walk through the ten steps does not use.

Each is needed on AWS by somebody else than the code that is rehearsed, or in another walk. What no row explains is a
finding: remove the grant from the template, or write down here what it is for.
"""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

Grant = Mapping[str, str]
OTHER_HOSTS = "only for Git hosts other than CodeCommit"
OTHER_ROUTE = "Service Catalog acts as this role where a project is made, changed or removed through it"
CHANGE = "used when a project is changed or removed; this walk makes one"
HANDLERS = "CloudFormation's resource handlers and Service Catalog read back what they made; the rehearsal's need not"
OPTIONAL = "only where NotificationEmail or RetrainingSchedule is given"
IMAGES = "AWS pulls the job's or the model's image with this role; a laptop pulls none"
LOGS = "SageMaker writes logs and metrics with this role; the rehearsal's jobs write files"
PARTS = "only when an upload in parts breaks off"
VERSIONS = "services read an artifact with or without its version; the rehearsal always with"
# Role's name, action, reason; the first row that fits explains
REASONS: Sequence[tuple[str, str, str]] = (
    ("*", "*:PassConnection", OTHER_HOSTS),
    ("AmazonSageMaker-*", "cloudformation:GetTemplateSummary", "Studio's form asks for the template's parameters"),
    ("AmazonSageMaker-*", "*", "used where a project is made from S3, and where it is changed or removed"),
    ("sagemaker-autopilot-launch", "cloudformation:*", OTHER_ROUTE),
    ("sagemaker-autopilot-launch", "s3:GetObject", OTHER_ROUTE),
    ("*", "ecr:*", IMAGES),
    ("*-exec", "logs:*", LOGS),
    ("*-exec", "cloudwatch:*", LOGS),
    ("*-serve", "logs:*", LOGS),
    ("*-serve", "cloudwatch:*", LOGS),
    ("*", "s3:AbortMultipartUpload", PARTS),
    (
        "*",
        "s3:GetBucket*",
        "CodePipeline, CodeBuild and SageMaker ask whose and where the bucket is, and how it is kept",
    ),
    ("sagemaker-autopilot-launch", "*:Create[ST]*", OPTIONAL),
    ("sagemaker-autopilot-launch", "sns:*", OPTIONAL),
    ("sagemaker-autopilot-launch", "*:Get*", HANDLERS),
    ("sagemaker-autopilot-launch", "*:List*", HANDLERS),
    ("sagemaker-autopilot-launch", "*:Describe*", HANDLERS),
    ("sagemaker-autopilot-launch", "*:BatchGet*", HANDLERS),
    ("sagemaker-autopilot-launch", "*:ValidateTemplate", HANDLERS),
    ("sagemaker-autopilot-launch", "*", CHANGE),
    ("sagemaker-autopilot-seed", "s3:PutObject", OTHER_HOSTS),
    ("sagemaker-autopilot-seed", "codebuild:*", OTHER_HOSTS),
    (
        "sagemaker-autopilot-seed",
        "codecommit:*",
        "used when the seed is repeated, or proposes an update of the template",
    ),
    ("sagemaker-autopilot-router", "sqs:*", "only for events that failed three times"),
    ("sagemaker-autopilot-router", "*", "for pushes after the first one; this walk pushes once"),
    ("*-approver", "s3:ListBucket", "consoles list the folder of a release before they show its dossier"),
    ("*-approver", "sagemaker:DescribeModelPackageGroup", "Studio opens the group before its versions"),
    ("*-approver", "sagemaker:ListModelPackages", "Studio lists the group's versions; the walk knows which one it is"),
    ("*-approver", "codepipeline:*", "the console's page of the pipeline, with its history"),
    ("*-build", "sagemaker:*", "for `python -m pipeline run --wait`, and for the second run"),
    ("*-build", "s3:*", VERSIONS),
    ("*-deploy", "s3:*", VERSIONS),
    ("*-deploy", "sagemaker:ListModelPackages", "where no package is named: the newest approved one is looked for"),
    ("*-pipe", "s3:*", VERSIONS),
    ("*-pipe", "codecommit:*", "where an execution is stopped while it fetches the code"),
    ("*-pipe", "cloudformation:*", "used by the second deployment, or after a first one that failed"),
    ("*-exec", "sagemaker:*", "Pipelines and Autopilot start, watch, tag and stop jobs of their own with this role"),
    ("*-stack", "cloudwatch:GetMetricData", "a scaling policy's handler lists it; only where an endpoint is scaled"),
    ("*-stack", "application-autoscaling:*", "only where settings.yaml keeps an endpoint warm and scales it"),
    ("*-stack", "*", "used when an endpoint is changed or removed, and by CloudFormation's handlers that read it back"),
)


def explained(unused: Mapping[str, Sequence[Grant]]) -> dict[str, list[dict[str, str]]]:
    """Add to each grant that was not used why it is there; `because` is empty where nothing explains it."""
    return {
        role: [{**grant, "because": because(role, grant["action"])} for grant in grants]
        for role, grants in unused.items()
    }


def because(role: str, action: str) -> str:
    """Return the reason of the first row that fits, or an empty text."""
    return next((why for name, what, why in REASONS if fnmatchcase(role, name) and fnmatchcase(action, what)), "")


def unexplained(unused: Mapping[str, Sequence[Grant]]) -> Iterator[str]:
    """Yield what nothing explains."""
    for role, grants in unused.items():
        yield from (f"{role}: {grant['action']} ({grant['statement']})" for grant in grants if not grant["because"])
