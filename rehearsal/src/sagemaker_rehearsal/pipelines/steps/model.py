"""Step 4: Model: create the model that the transform runs."""

from typing import Any

from sagemaker_rehearsal.pipelines.steps.work import Work


def run(work: Work) -> dict[str, Any]:
    """Create a model; return DescribeModel's response."""
    name = work.job_name()
    sagemaker = work.context.client("sagemaker")
    request = {**work.arguments, "ModelName": name}
    work.require_valid("CreateModel", request)
    sagemaker.create_model(**request)
    described = dict(sagemaker.describe_model(ModelName=name))
    described.pop("ResponseMetadata")
    return described
