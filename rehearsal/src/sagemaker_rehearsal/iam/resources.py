"""All steps: the ARNs of a request's resources, by service and parameter.

Each row maps a parameter of some operations to the form of a resource's ARN. Sources: the Service Authorization
Reference (https://docs.aws.amazon.com/service-authorization/latest/reference/), which the tests compare with; where
a request names a resource that has no ARN yet, the ARN that AWS's own messages show.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jmespath

Params = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """A parameter that names a resource.

    Attributes:
        path: the parameter's JMESPath.
        form: the resource part of the ARN with `{}`; a value that is an ARN already is used unchanged.
        operations: the operations that the row applies to; all when empty.
        also: whether the row adds to the ARNs of earlier rows; otherwise it applies only where they gave none.
        absent: the value where the request has none; when empty, the row does not apply there.
    """

    path: str
    form: str = "{}"
    operations: frozenset[str] = frozenset()
    also: bool = False
    absent: str = ""


def _only(names: str) -> frozenset[str]:
    return frozenset(names.split())


_STAGES = _only("DisableStageTransition EnableStageTransition OverrideStageCondition RetryStageExecution RollbackStage")
_RULES = _only("DeleteRule DescribeRule DisableRule EnableRule PutRule")
_LOG_TAGS = _only("ListTagsForResource TagResource UntagResource")
_PRODUCTS = _only("DeleteProduct DescribeProduct DescribeProductAsAdmin UpdateProduct")
_PORTFOLIOS = _only("DeletePortfolio DescribePortfolio UpdatePortfolio")
_NO_PRODUCT = _only(
    "AssociateProductWithPortfolio DisassociateProductFromPortfolio DescribeProvisionedProduct UpdateProvisionedProduct"
)
_NOTHING = _only("none")
# Operations with resources in their parameters that have no resource-level permissions
NO_RESOURCE: dict[str, frozenset[str]] = {
    "application-autoscaling": _only(
        "DescribeScalableTargets DescribeScalingActivities DescribeScalingPolicies DescribeScheduledActions"
    ),
    "logs": _only("DescribeLogGroups DescribeResourcePolicies DescribeIndexPolicies StopQuery"),
    "sagemaker": _only("ListCandidatesForAutoMLJob Search"),
    "servicecatalog": _NO_PRODUCT | _only("DescribeRecord ListRecordHistory SearchProducts SearchProvisionedProducts"),
    "sns": _only("Unsubscribe GetSubscriptionAttributes SetSubscriptionAttributes"),
    "lambda": _only("GetAccountSettings ListFunctions"),
    "iam": _only("ListRoles ListPolicies"),
    "sts": _only("GetCallerIdentity"),
    "cloudformation": _only("ListExports ListStacks ValidateTemplate DescribeType"),
}
ROWS: dict[str, tuple[Row, ...]] = {
    "codecommit": (
        Row("repositoryName"),
        Row("repositoryNames[]"),
        Row("targets[].repositoryName"),
        Row("oldName"),
        Row("resourceArn"),
    ),
    "codepipeline": (
        Row(
            "join('/', [pipelineName, stageName, actionName])", operations=_only("PutApprovalResult PutActionRevision")
        ),
        Row("join('/', [pipelineName, stageName])", operations=_STAGES),
        Row("pipelineName"),
        Row("pipeline.name"),
        Row("name", operations=_only("DeletePipeline GetPipeline GetPipelineState StartPipelineExecution")),
        Row("resourceArn"),
    ),
    "codebuild": (
        Row("projectName", "project/{}"),
        Row("names[]", "project/{}", _only("BatchGetProjects")),
        Row("name", "project/{}", _only("CreateProject DeleteProject UpdateProject")),
        Row("ids[]", "project/{}", _only("BatchDeleteBuilds BatchGetBuilds")),
        Row("id", "project/{}", _only("RetryBuild StopBuild")),
        Row("resourceArn"),
    ),
    "events": (
        Row("Entries[].EventBusName", "event-bus/{}", _only("PutEvents"), absent="default"),
        Row("Name", "event-bus/{}", _only("CreateEventBus DeleteEventBus DescribeEventBus"), absent="default"),
        Row("Name", "rule/{}", _RULES),
        Row("Rule", "rule/{}"),
        Row("ResourceARN"),
    ),
    "cloudformation": (Row("StackName", "stack/{}/*"), Row("StackId", "stack/{}/*"), Row("ResourceArn")),
    "servicecatalog": (
        Row("ProductId", "product/{}"),
        Row("Id", "product/{}", _PRODUCTS),
        Row("PortfolioId", "portfolio/{}"),
        Row("Id", "portfolio/{}", _PORTFOLIOS),
        Row("Name", "product/*", _only("CreateProduct")),
        Row("DisplayName", "portfolio/*", _only("CreatePortfolio")),
        Row("ProductName", "product/*", _only("DescribeProvisioningParameters ProvisionProduct")),
    ),
    "lambda": (Row("FunctionName", "function:{}"), Row("Resource"), Row("LayerName", "layer:{}")),
    "scheduler": (
        Row("Name", "schedule/{}", _only("CreateSchedule DeleteSchedule GetSchedule UpdateSchedule")),
        Row("ResourceArn"),
    ),
    "sns": (Row("TopicArn"), Row("TargetArn"), Row("Name", operations=_only("CreateTopic")), Row("ResourceArn")),
    "sqs": (Row("QueueName"), Row("QueueUrl")),
    "logs": (
        Row("resourceArn", operations=_LOG_TAGS),
        Row(
            "join(':log-stream:', [logGroupName, logStreamName])",
            "log-group:{}",
            _only("CreateLogStream DeleteLogStream GetLogEvents PutLogEvents"),
        ),
        Row("logGroupName", "log-group:{}:log-stream:"),
        Row("logGroupIdentifier", "log-group:{}:log-stream:"),
        Row("logGroupNames[]", "log-group:{}:log-stream:"),
    ),
    "cloudwatch": (
        Row("AlarmName", "alarm:{}"),
        Row("AlarmNames[]", "alarm:{}"),
        Row("ResourceARN"),
        Row("AlarmNames", "alarm:*", _only("DescribeAlarms"), absent="*"),
    ),
    "application-autoscaling": (
        Row("ResourceARN"),
        Row("ResourceId", "scalable-target/*"),
    ),
    "ecr": (Row("repositoryName", "repository/{}"),),
    "codeconnections": (Row("ConnectionArn"), Row("ResourceArn")),
    "codestar-connections": (Row("ConnectionArn"), Row("ResourceArn")),
    "sagemaker": (
        Row("ResourceArn"),
        Row("PipelineExecutionArn"),
        Row("ModelPackageGroupName", "model-package/{}/*", _only("CreateModelPackage ListModelPackages")),
        Row("ModelPackageGroupName", "model-package-group/{}", _only("CreateModelPackage"), also=True),
        Row("ModelPackageArn"),
        Row("ModelPackageName", "model-package/{}"),
        Row("ModelPackageArnList[]", "{}", _only("BatchDescribeModelPackage")),
        Row("EndpointName", "endpoint/{}"),
        Row("EndpointConfigName", "endpoint-config/{}", _only("CreateEndpoint UpdateEndpoint"), also=True),
        Row("EndpointConfigName", "endpoint-config/{}"),
        Row("PipelineName", "pipeline/{}"),
        Row("ProcessingJobName", "processing-job/{}"),
        Row("AutoMLJobName", "automl-job/{}"),
        Row("TrainingJobName", "training-job/{}"),
        Row("TransformJobName", "transform-job/{}"),
        Row("ModelName", "model/{}", _only("CreateModel DeleteModel DescribeModel")),
        Row("ModelPackageGroupName", "model-package-group/{}"),
        Row("ProjectName", "project/{}"),
        Row("CodeRepositoryName", "code-repository/{}"),
    ),
}
# Services whose ARNs have another prefix than the service's name
_PREFIX = {"servicecatalog": "catalog"}


def arns(service: str, operation: str, params: Params, region: str, account: str) -> tuple[str, ...]:
    """Return the ARNs of a request's resources; only `*` where it has none.

    Args:
        service: the prefix of the service's actions.
        operation: as AWS spells it.
        params: of the request, as boto3 takes them.
        region: of the request.
        account: twelve digits.
    """
    if operation in NO_RESOURCE.get(service, _NOTHING):
        return ("*",)
    names: list[str] = []
    prefix = f"arn:aws:{_PREFIX.get(service, service)}:{region}:{account}:"
    for row in ROWS.get(service, ()):
        if (row.operations and operation not in row.operations) or (names and not row.also):
            continue
        names += [_arn(value, row.form, prefix, service, params) for value in _values(row, params)]
    return tuple(dict.fromkeys(names)) or ("*",)


@lru_cache(maxsize=256)
def _compiled(path: str) -> Any:  # noqa: ANN401 (jmespath has no types)
    return jmespath.compile(path)


def _values(row: Row, params: Params) -> list[str]:
    if row.path.isalnum():
        value = params.get(row.path)
    elif row.path.startswith("join("):
        names = row.path[row.path.index("[") + 1 : -2].split(", ")
        value = _joined(row.path[6 : row.path.index("'", 6)], [params.get(name) for name in names])
    else:
        value = _compiled(row.path).search(params)
    values = [value] if isinstance(value, str) and value else list(value) if isinstance(value, list) else []
    return values or ([row.absent] if row.absent else [])


def _joined(sign: str, values: list[Any]) -> str | None:
    return sign.join(values) if all(values) else None


def _arn(value: str, form: str, prefix: str, service: str, params: Params) -> str:
    name = _NAMES.get(service, _same)(value, params)
    return name if name.startswith("arn:") else prefix + form.format(name)


def _same(value: str, params: Params) -> str:
    return value


def _of_build(value: str, params: Params) -> str:
    """Return a build's project: permissions are of projects, whose names builds' ids and ARNs contain."""
    build = value.rpartition(":build/")[2]
    return build.partition(":")[0] if not value.startswith("arn:") or ":build/" in value else value


def _of_function(value: str, params: Params) -> str:
    """Return a function's name: the account may precede it, and the version or alias may follow it."""
    name = value if value.startswith("arn:") else value.rpartition("function:")[2]
    qualifier = params.get("Qualifier")
    qualified = name.count(":") >= (7 if name.startswith("arn:") else 1)
    return f"{name}:{qualifier}" if qualifier and not qualified else name


def _of_log(value: str, params: Params) -> str:
    return value.removesuffix(":*")


def _of_rule(value: str, params: Params) -> str:
    bus = str(params.get("EventBusName") or "default").rpartition("/")[2]
    return value if bus == "default" else f"{bus}/{value}"


def _of_schedule(value: str, params: Params) -> str:
    return value if value.startswith("arn:") else f"{params.get('GroupName') or 'default'}/{value}"


def _of_queue(value: str, params: Params) -> str:
    return value.rpartition("/")[2]


_NAMES: dict[str, Callable[[str, Params], str]] = {
    "codebuild": _of_build,
    "lambda": _of_function,
    "events": _of_rule,
    "logs": _of_log,
    "scheduler": _of_schedule,
    "sqs": _of_queue,
}
