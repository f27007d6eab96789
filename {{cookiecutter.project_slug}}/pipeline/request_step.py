"""Step 4: a pipeline step that is the boto3 request which it makes.

The SDK's own job steps open sessions, call STS and upload code while they are built, and its AutoML step cannot be
constructed (3.27: `Session` has no `auto_ml`). This one holds the request as plain data.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.sdk import CacheConfig, ConfigurableRetryStep, Properties, PropertyFile, StepTypeEnum

# What Describe answers to each step's job; `Steps.NAME.<path>` refers to it.
_SHAPES = {
    StepTypeEnum.PROCESSING: "DescribeProcessingJobResponse",
    StepTypeEnum.AUTOML: "DescribeAutoMLJobResponse",
    StepTypeEnum.CREATE_MODEL: "DescribeModelOutput",
    StepTypeEnum.TRANSFORM: "DescribeTransformJobResponse",
    StepTypeEnum.REGISTER_MODEL: "DescribeModelPackageOutput",
}


class RequestStep(ConfigurableRetryStep):  # type: ignore[misc]  # the SDK has no types
    """A step of the given type with the given request."""

    def __init__(
        self,
        name: str,
        step_type: StepTypeEnum,
        request: Mapping[str, Any],
        *,
        cache: CacheConfig | None = None,
        retries: Sequence[Any] = (),
        property_files: Sequence[PropertyFile] = (),
    ) -> None:
        super().__init__(name, step_type, retry_policies=list(retries))
        self._request = dict(request)
        self._properties = Properties(step_name=name, step=self, shape_name=_SHAPES[step_type])
        self.cache = cache
        self.property_files = list(property_files)

    @property
    def arguments(self) -> dict[str, Any]:
        """The request."""
        return self._request

    @property
    def properties(self) -> Properties:
        """References to what the job's Describe will answer."""
        return self._properties

    def to_request(self) -> dict[str, Any]:
        """Write the step as the definition has it."""
        request: dict[str, Any] = super().to_request()
        if self.cache:
            request.update(self.cache.config)
        if self.property_files:
            request["PropertyFiles"] = [file.expr for file in self.property_files]
        return request

    def output(self, name: str) -> Properties:
        """Refer to the S3 URI of one of a Processing step's outputs (also right when the step came from the cache)."""
        return self.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri
