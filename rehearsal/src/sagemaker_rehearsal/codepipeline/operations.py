"""Steps 4 and 6 to 10: CodePipeline's API for pipelines: create, update, delete, list, tag.

https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_Operations.html
"""

from collections.abc import Sequence
from typing import Any

from sagemaker_rehearsal.codepipeline import views
from sagemaker_rehearsal.codepipeline.models import PipelineRecord
from sagemaker_rehearsal.codepipeline.service import of
from sagemaker_rehearsal.codepipeline.structure import parse
from sagemaker_rehearsal.iam import keys_for, principal_of
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.service import Call, operation

# https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_TagResource.html
MOST_TAGS = 50


def page(call: Call, key: str, items: Sequence[Any], most: int = 100) -> dict[str, Any]:
    """Return one page of a list.

    Raises:
        AwsError: InvalidNextTokenException.
    """
    token = call.params.get("nextToken") or "0"
    if not token.isdigit() or int(token) > len(items):
        raise AwsError("InvalidNextTokenException", "The next token was specified in an invalid format")
    first, size = int(token), int(call.params.get("maxResults") or most)
    more = {"nextToken": str(first + size)} if first + size < len(items) else {}
    return {key: list(items[first : first + size]), **more}


def _tags(tags: Sequence[dict[str, str]]) -> dict[str, str]:
    if len(tags) > MOST_TAGS:
        raise AwsError("TooManyTagsException", f"The tags limit for a resource has been exceeded: {MOST_TAGS}")
    if any(tag["key"].startswith("aws:") for tag in tags):
        raise AwsError("InvalidTagsException", "Tag keys that start with aws: are reserved for use by AWS")
    return {tag["key"]: tag["value"] for tag in tags}


def _require_trust(call: Call) -> None:
    """Assume the pipeline's role, as CodePipeline does when a pipeline is created or updated."""
    declared = call.params["pipeline"]
    role, arn = declared["roleArn"], of(call.cloud).arn(declared["name"])
    try:
        keys_for(call.cloud, role, "codepipeline", "codepipeline.amazonaws.com", arn)
    except AwsError as error:
        message = f"CodePipeline is not authorized to perform AssumeRole on role {role}"
        raise AwsError("InvalidStructureException", message) from error


@operation("codepipeline", "CreatePipeline")
def create_pipeline(call: Call) -> dict[str, Any]:
    """Create a pipeline; CodePipeline starts its first execution at once."""
    _require_trust(call)
    tags = _tags(call.params.get("tags") or [])
    principal = principal_of(call.access_key).arn
    record = of(call.cloud).create(parse(call.params["pipeline"], 1), tags, principal)
    return {"pipeline": record.pipeline.declared, "tags": [{"key": key, "value": tags[key]} for key in tags]}


@operation("codepipeline", "UpdatePipeline")
def update_pipeline(call: Call) -> dict[str, Any]:
    """Replace a pipeline's declaration and increment its version number."""
    _require_trust(call)
    declared = call.params["pipeline"]
    version = of(call.cloud).find(declared["name"]).pipeline.version + 1
    return {"pipeline": of(call.cloud).update(parse(declared, version)).pipeline.declared}


@operation("codepipeline", "GetPipeline")
def get_pipeline(call: Call) -> dict[str, Any]:
    """Describe a pipeline; only its current version is available.

    Another version is PipelineVersionNotFoundException in the documentation, and PipelineNotFoundException on AWS:
    https://github.com/aws/aws-sdk/issues/558, where the service's team confirms it.
    """
    record = of(call.cloud).find(call.params["name"])
    if call.params.get("version", record.pipeline.version) != record.pipeline.version:
        raise AwsError(
            "PipelineNotFoundException",
            f"Pipeline {record.pipeline.name} has version {record.pipeline.version}; the rehearsal keeps no older one",
        )
    metadata = {"pipelineArn": record.arn, "created": record.created, "updated": record.updated}
    return {"pipeline": record.pipeline.declared, "metadata": metadata}


@operation("codepipeline", "DeletePipeline")
def delete_pipeline(call: Call) -> None:
    """Delete a pipeline."""
    of(call.cloud).delete(call.params["name"])


@operation("codepipeline", "ListPipelines")
def list_pipelines(call: Call) -> dict[str, Any]:
    """List all pipelines."""
    summaries = [
        {
            "name": record.pipeline.name,
            "version": record.pipeline.version,
            "pipelineType": record.pipeline.kind,
            "executionMode": record.pipeline.mode,
            "created": record.created,
            "updated": record.updated,
        }
        for record in of(call.cloud).all()
    ]
    return page(call, "pipelines", summaries, 1000)


@operation("codepipeline", "GetPipelineState")
def get_pipeline_state(call: Call) -> dict[str, Any]:
    """Describe the state of stages and actions, with the tokens of open approvals."""
    pipelines = of(call.cloud)
    with pipelines.lock:
        return views.state(pipelines.find(call.params["name"]))


def _find_by_arn(call: Call) -> PipelineRecord:
    arn = call.params["resourceArn"]
    match = next((record for record in of(call.cloud).all() if record.arn == arn), None)
    if match is None:
        raise AwsError("ResourceNotFoundException", f"The resource {arn} was not found")
    return match


@operation("codepipeline", "ListTagsForResource")
def list_tags(call: Call) -> dict[str, Any]:
    """List a pipeline's tags."""
    return page(call, "tags", [{"key": key, "value": value} for key, value in _find_by_arn(call).tags.items()])


@operation("codepipeline", "TagResource")
def tag_resource(call: Call) -> dict[str, Any]:
    """Add or replace tags of a pipeline."""
    _find_by_arn(call).tags.update(_tags(call.params["tags"]))
    return {}


@operation("codepipeline", "UntagResource")
def untag_resource(call: Call) -> dict[str, Any]:
    """Remove tags from a pipeline."""
    for key in call.params["tagKeys"]:
        _find_by_arn(call).tags.pop(key, None)
    return {}
