"""Steps 4 and 6 to 10: CodePipeline's API for pipelines: make, change, list, tag.

https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_Operations.html
"""

from collections.abc import Sequence
from typing import Any

from sagemaker_rehearsal.codepipeline import views
from sagemaker_rehearsal.codepipeline.models import Kept
from sagemaker_rehearsal.codepipeline.service import of
from sagemaker_rehearsal.codepipeline.structure import parse
from sagemaker_rehearsal.iam import keys_for, principal_of
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.service import Call, operation

# https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_TagResource.html
MOST_TAGS = 50


def page(call: Call, key: str, items: Sequence[Any], most: int = 100) -> dict[str, Any]:
    """Give one page of a list.

    Raises:
        AwsError: InvalidNextTokenException.
    """
    token = call.params.get("nextToken") or "0"
    if not token.isdigit() or int(token) > len(items):
        raise AwsError("InvalidNextTokenException", "The next token was specified in an invalid format")
    first, size = int(token), int(call.params.get("maxResults") or most)
    more = {"nextToken": str(first + size)} if first + size < len(items) else {}
    return {key: list(items[first : first + size]), **more}


def _tags(given: Sequence[dict[str, str]]) -> dict[str, str]:
    if len(given) > MOST_TAGS:
        raise AwsError("TooManyTagsException", f"The tags limit for a resource has been exceeded: {MOST_TAGS}")
    if any(one["key"].startswith("aws:") for one in given):
        raise AwsError("InvalidTagsException", "Tag keys that start with aws: are reserved for use by AWS")
    return {one["key"]: one["value"] for one in given}


def _require_trust(call: Call) -> None:
    """CodePipeline tries the pipeline's role when a pipeline is made or changed."""
    declared = call.params["pipeline"]
    role, arn = declared["roleArn"], of(call.cloud).arn(declared["name"])
    try:
        keys_for(call.cloud, role, "codepipeline", "codepipeline.amazonaws.com", arn)
    except AwsError as error:
        message = f"CodePipeline is not authorized to perform AssumeRole on role {role}"
        raise AwsError("InvalidStructureException", message) from error


@operation("codepipeline", "CreatePipeline")
def create_pipeline(call: Call) -> dict[str, Any]:
    """Make a pipeline, which runs at once."""
    _require_trust(call)
    tags = _tags(call.params.get("tags") or [])
    principal = principal_of(call.access_key).arn
    kept = of(call.cloud).create(parse(call.params["pipeline"], 1), tags, principal)
    return {"pipeline": kept.pipeline.declared, "tags": [{"key": key, "value": tags[key]} for key in tags]}


@operation("codepipeline", "UpdatePipeline")
def update_pipeline(call: Call) -> dict[str, Any]:
    """Give a pipeline another declaration, with the next version number."""
    _require_trust(call)
    declared = call.params["pipeline"]
    version = of(call.cloud).find(declared["name"]).pipeline.version + 1
    return {"pipeline": of(call.cloud).update(parse(declared, version)).pipeline.declared}


@operation("codepipeline", "GetPipeline")
def get_pipeline(call: Call) -> dict[str, Any]:
    """Show a pipeline; of its versions, only the present one.

    Another version is PipelineVersionNotFoundException in the documentation, and PipelineNotFoundException on AWS:
    https://github.com/aws/aws-sdk/issues/558, where the service's team confirms it.
    """
    kept = of(call.cloud).find(call.params["name"])
    if call.params.get("version", kept.pipeline.version) != kept.pipeline.version:
        raise AwsError(
            "PipelineNotFoundException",
            f"Pipeline {kept.pipeline.name} has version {kept.pipeline.version}; the rehearsal keeps no older one",
        )
    metadata = {"pipelineArn": kept.arn, "created": kept.created, "updated": kept.updated}
    return {"pipeline": kept.pipeline.declared, "metadata": metadata}


@operation("codepipeline", "DeletePipeline")
def delete_pipeline(call: Call) -> None:
    """Remove a pipeline."""
    of(call.cloud).delete(call.params["name"])


@operation("codepipeline", "ListPipelines")
def list_pipelines(call: Call) -> dict[str, Any]:
    """List all pipelines."""
    found = [
        {
            "name": kept.pipeline.name,
            "version": kept.pipeline.version,
            "pipelineType": kept.pipeline.kind,
            "executionMode": kept.pipeline.mode,
            "created": kept.created,
            "updated": kept.updated,
        }
        for kept in of(call.cloud).all()
    ]
    return page(call, "pipelines", found, 1000)


@operation("codepipeline", "GetPipelineState")
def get_pipeline_state(call: Call) -> dict[str, Any]:
    """Show where executions are, with the token of an approval that waits."""
    pipelines = of(call.cloud)
    with pipelines.lock:
        return views.state(pipelines.find(call.params["name"]))


def _tagged(call: Call) -> Kept:
    arn = call.params["resourceArn"]
    found = next((kept for kept in of(call.cloud).all() if kept.arn == arn), None)
    if found is None:
        raise AwsError("ResourceNotFoundException", f"The resource {arn} was not found")
    return found


@operation("codepipeline", "ListTagsForResource")
def list_tags(call: Call) -> dict[str, Any]:
    """List a pipeline's tags."""
    return {"tags": [{"key": key, "value": value} for key, value in _tagged(call).tags.items()]}


@operation("codepipeline", "TagResource")
def tag_resource(call: Call) -> dict[str, Any]:
    """Add tags to a pipeline, or change them."""
    _tagged(call).tags.update(_tags(call.params["tags"]))
    return {}


@operation("codepipeline", "UntagResource")
def untag_resource(call: Call) -> dict[str, Any]:
    """Take tags off a pipeline."""
    for key in call.params["tagKeys"]:
        _tagged(call).tags.pop(key, None)
    return {}
