"""Step 4: AutoML: the requests that Autopilot makes with the job's role to explain its best candidate on an endpoint.

The requests are only authorized, not sent: the rehearsal explains in its own process. The actions are those of the
"minimum permission policy" for CreateAutoMLJob, and `sagemaker:AddTags` for the tags that Clarify sets, which a job was
refused.
https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html#sagemaker-roles-autopilot-perms

Names, as public sources show them:

- Autopilot's begin with the AutoML job's: source/infrastructure/lib/blueprints/pipeline_definitions/iam_policies.py of
  github.com/aws-solutions/mlops-workload-orchestrator;
- those of Clarify's container are `sm-clarify-config-TIME-HEX` and `sm-clarify-MODEL-TIME-HEX`: the same file, and
  messages of failed jobs;
- Clarify's documentation shows `sagemaker-clarify-endpoint-XXX`: https://docs.aws.amazon.com/sagemaker/latest/dg/clarify-vpc.html.

Which of them an AutoML job uses is not documented, so the role must allow the requests for each.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Request = tuple[str, Mapping[str, Any]]
LONGEST = 63  # of names of models, endpoints and their configurations


def requests(job: str, arguments: Mapping[str, Any], region: str, account: str) -> Iterator[Request]:
    """Yield operations and their parameters in the order of the requests.

    Args:
        job: the AutoML job's name.
        arguments: of CreateAutoMLJob; role and tags are passed on.
        region: of the job.
        account: twelve digits.
    """
    model, tags = {"ModelName": f"{job}-documentation-1"[:LONGEST]}, {"Tags": arguments.get("Tags", [])}
    resource = {"ResourceArn": f"arn:aws:sagemaker:{region}:{account}:model/{model['ModelName']}"}
    yield "CreateModel", {**model, "ExecutionRoleArn": arguments["RoleArn"], **tags}
    yield "DescribeModel", model
    yield "ListTags", resource
    for stem in (job, "sm-clarify", "sagemaker-clarify-endpoint"):
        endpoint = {"EndpointName": f"{stem}-{model['ModelName']}"[:LONGEST].rstrip("-")}
        config = {"EndpointConfigName": f"{stem}-config-1"[:LONGEST]}
        yield "CreateEndpointConfig", {**config, **tags}
        yield "DescribeEndpointConfig", config
        yield "CreateEndpoint", {**endpoint, **config, **tags}
        yield "DescribeEndpoint", endpoint
        yield "InvokeEndpoint", endpoint
        yield "DeleteEndpoint", endpoint
        yield "DeleteEndpointConfig", config
    yield "DeleteModel", model
