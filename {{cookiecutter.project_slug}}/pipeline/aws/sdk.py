"""Step 4: the parts of the SageMaker SDK that describe a pipeline; the only module that imports the SDK.

The SDK (sagemaker-core 2.x, sagemaker-mlops 1.x) is built for notebooks: importing `sagemaker.mlops.workflow.pipeline`
also imports the model builder, 450 generated resource classes, the remote functions, pandas and pyarrow. On two cores:
5.6 s and 1,487 modules. A definition needs none of it, so while the import runs

* four packages are registered without their `__init__` (`_BARE`), which also makes the model builder's distributions
  `sagemaker-train` and `sagemaker-serve` (600 MB) unnecessary, and
* stand-ins take the place of the packages that only open sessions or start jobs (`_UNUSED`): every name in them is an
  empty class, so that the SDK's `isinstance` checks answer no.

That leaves 0.9 s and 700 modules; the definition is the same, byte for byte (tests/pipeline/test_definition.py compares
it with a golden file). The stand-ins are removed afterwards: a later import finds the real package. Where the SDK was
imported before, it is used as it is.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
import types
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

_BARE = ("sagemaker", "sagemaker.core", "sagemaker.mlops", "sagemaker.mlops.workflow")
_UNUSED = (
    "sagemaker.core.deserializers",
    "sagemaker.core.local",
    "sagemaker.core.processing",
    "sagemaker.core.remote_function",
    "sagemaker.core.resources",
    "sagemaker.core.serializers",
    "sagemaker.core.shapes",
    "sagemaker.core.training",
)


class OfflineSession:
    """Stands where the SDK wants a session: knows a region and reaches nothing."""

    local_mode = False

    def __init__(self, region: str) -> None:
        self.boto_region_name = region
        self.boto_session = self

    def client(self, _service: str) -> None:
        """Return no client: building a definition calls nothing."""


class _StandIn(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds and loads a package in which every name is an empty class."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if any(fullname == name or fullname.startswith(f"{name}.") for name in _UNUSED):
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        def placeholder(name: str) -> type:
            if name.startswith("__"):
                raise AttributeError(name)
            empty = type(name, (), {})
            setattr(module, name, empty)
            return empty

        module.__dict__["__getattr__"] = placeholder


def _register_bare(name: str) -> None:
    parent = sys.modules.get(name.rpartition(".")[0])
    spec = importlib.machinery.PathFinder.find_spec(name, parent.__path__ if parent else None)
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError(f"{name} is not installed; run `pip install --no-deps -r constraints/build.txt`")
    module = types.ModuleType(name)
    module.__path__ = list(spec.submodule_search_locations)
    module.__spec__ = spec
    sys.modules[name] = module
    if parent:
        setattr(parent, name.rpartition(".")[2], module)


@contextmanager
def _light_import() -> Iterator[None]:
    # The SDK reads the region when it is imported, and has no other setting for it.
    os.environ.setdefault("AWS_DEFAULT_REGION", os.environ.get("AWS_REGION", "us-east-1"))
    if "sagemaker" in sys.modules:
        yield
        return
    finder = _StandIn()
    for name in _BARE:
        _register_bare(name)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name, module in sys.modules.items() if _is_stand_in(module, finder)]:
            del sys.modules[name]


def _is_stand_in(module: types.ModuleType, finder: _StandIn) -> bool:
    return getattr(getattr(module, "__spec__", None), "loader", None) is finder


with _light_import():
    from sagemaker.core import image_uris
    from sagemaker.core.workflow.conditions import ConditionGreaterThanOrEqualTo, ConditionLessThanOrEqualTo
    from sagemaker.core.workflow.execution_variables import ExecutionVariables
    from sagemaker.core.workflow.functions import Join, JsonGet
    from sagemaker.core.workflow.parameters import ParameterFloat, ParameterString
    from sagemaker.core.workflow.properties import Properties, PropertyFile
    from sagemaker.mlops.workflow.condition_step import ConditionStep
    from sagemaker.mlops.workflow.fail_step import FailStep
    from sagemaker.mlops.workflow.pipeline import Pipeline
    from sagemaker.mlops.workflow.retry import (
        SageMakerJobExceptionTypeEnum,
        SageMakerJobStepRetryPolicy,
        StepExceptionTypeEnum,
        StepRetryPolicy,
    )
    from sagemaker.mlops.workflow.steps import CacheConfig, ConfigurableRetryStep, StepTypeEnum

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
