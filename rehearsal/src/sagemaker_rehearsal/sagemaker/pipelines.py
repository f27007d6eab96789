"""Step 4: pipelines: moto stores the definitions, the executor runs them in a thread."""

import json
import logging
import threading
from collections.abc import Mapping
from typing import Any

from sagemaker_rehearsal.pipelines import graph
from sagemaker_rehearsal.pipelines.cache import Cache
from sagemaker_rehearsal.pipelines.errors import ExecutorError
from sagemaker_rehearsal.pipelines.execution import execute, values
from sagemaker_rehearsal.pipelines.records import Context, Execution, StepRun, new_id
from sagemaker_rehearsal.sagemaker import jobs, state_events
from sagemaker_rehearsal.sagemaker.lists import PAGES, listed
from sagemaker_rehearsal.server import clients
from sagemaker_rehearsal.server.errors import AwsError, invalid
from sagemaker_rehearsal.server.service import Call, Host, keys_of, operation


class Executions:
    """All pipeline executions of the cloud."""

    def __init__(self, cloud: Host) -> None:
        self._cloud = cloud
        self._lock = threading.Lock()
        self._by_arn: dict[str, Execution] = {}
        self._definitions: dict[str, str] = {}
        self._labels: dict[str, dict[str, str]] = {}
        self._cache = Cache()

    def find(self, arn: str) -> Execution:
        """Return an execution.

        Raises:
            AwsError: when there is none.
        """
        if arn not in self._by_arn:
            raise AwsError("ResourceNotFound", f"Pipeline execution with ARN {arn} does not exist.")
        return self._by_arn[arn]

    def of(self, pipeline_arn: str) -> list[Execution]:
        """List a pipeline's executions, the newest first."""
        with self._lock:
            return [
                execution for execution in reversed(self._by_arn.values()) if execution.pipeline_arn == pipeline_arn
            ]

    def start(self, call: Call, pipeline: dict[str, Any]) -> Execution:
        """Validate the parameters and start an execution."""
        text = pipeline["PipelineDefinition"]
        parameters = list(call.params.get("PipelineParameters", []))
        try:
            definition = graph.read(text)
            values(definition, {parameter["Name"]: parameter["Value"] for parameter in parameters})
        except ExecutorError as error:
            raise invalid(str(error)) from error
        arn = pipeline["PipelineArn"]
        execution = Execution(f"{arn}/execution/{new_id()}", arn, pipeline["PipelineName"])
        with self._lock:
            self._by_arn[execution.arn], self._definitions[execution.arn] = execution, text
            names = {"PipelineExecutionDisplayName", "PipelineExecutionDescription"}
            self._labels[execution.arn] = {key: value for key, value in call.params.items() if key in names}
        keys = keys_of(call, pipeline.get("RoleArn"), "SageMaker")
        context = Context(
            client=lambda service: clients.client(self._cloud.url, call.region, service, keys),
            permit=lambda operation, request: self._permit(keys, operation, request),
            environment={**self._cloud.environment(), **keys},
            folder=self._cloud.state / "jobs",
            role_arn=pipeline.get("RoleArn", ""),
            region=call.region,
            processes=self._cloud.processes,
            jobs=jobs.of(self._cloud),
            cache=self._cache,
            progress=lambda step: self._progress(execution, step),
            drills=frozenset(self._cloud.options.get("drills", ())),
        )
        arguments = (
            definition,
            {parameter["Name"]: parameter["Value"] for parameter in parameters},
            context,
            execution,
        )
        threading.Thread(target=_execute, args=arguments, daemon=True).start()
        return execution

    def _permit(self, keys: Mapping[str, str], operation: str, request: Mapping[str, Any]) -> None:
        """Authorize a request that the executor performs without a client."""
        if self._cloud.guard:
            self._cloud.guard.permit(keys["AWS_ACCESS_KEY_ID"], "sagemaker", operation, request)

    def _progress(self, execution: Execution, step: StepRun) -> None:
        listener = self._cloud.options.get("progress")
        if listener:
            listener(step)
        state_events.step(self._cloud, execution, step)

    def describe(self, execution: Execution) -> dict[str, Any]:
        """Return an execution as DescribePipelineExecution does."""
        members: dict[str, Any] = {
            "PipelineArn": execution.pipeline_arn,
            "PipelineExecutionArn": execution.arn,
            "PipelineExecutionStatus": execution.status,
            "CreationTime": execution.started,
            "LastModifiedTime": execution.modified,
            **self._labels[execution.arn],
        }
        return {**members, **({"FailureReason": execution.reason} if execution.reason else {})}

    def definition(self, arn: str) -> str:
        """Return the definition of an execution."""
        self.find(arn)
        return self._definitions[arn]

    def parameters(self, arn: str) -> list[dict[str, str]]:
        """Return the parameters of an execution with their values."""
        return [{"Name": name, "Value": str(value)} for name, value in self.find(arn).parameters.items()]

    def stop(self) -> None:
        """Stop every execution after its current step."""
        for execution in list(self._by_arn.values()):
            execution.stopping.set()


def of(cloud: Host) -> Executions:
    """Return a cloud's pipeline executions."""
    return cloud.state_of(Executions)


def stop(cloud: Host) -> None:
    """Stop every execution of a cloud after its current step."""
    of(cloud).stop()


def _execute(definition: dict[str, Any], parameters: dict[str, str], context: Context, execution: Execution) -> None:
    try:
        execute(definition, parameters, context, execution)
    except Exception as error:  # any error must end the execution, or it would stay Executing
        logging.getLogger(__name__).exception("execution %s", execution.arn)
        execution.status, execution.reason = "Failed", f"InternalServerError: {error!r}"


def _pipeline(call: Call) -> dict[str, Any]:
    name = call.params["PipelineName"].rpartition("/")[2]
    return dict(call.cloud.client("sagemaker").describe_pipeline(PipelineName=name))


@operation("sagemaker", "CreatePipeline", "UpdatePipeline")
def put_pipeline(call: Call) -> dict[str, Any]:
    """Validate the definition, then store it in moto."""
    if call.params.get("PipelineDefinition"):
        try:
            graph.read(call.params["PipelineDefinition"])
        except ExecutorError as error:
            raise invalid(str(error)) from error
    try:
        return call.to_moto()
    except AwsError as error:
        if "Could not find pipeline" not in error.message:
            raise
        raise _no_pipeline(call, call.params["PipelineName"]) from error


def _no_pipeline(call: Call, name: str) -> AwsError:
    return AwsError("ResourceNotFound", f"Pipeline '{call.arn('pipeline', name)}' does not exist.")


@operation("sagemaker", "DescribePipeline")
def describe_pipeline(call: Call) -> dict[str, Any]:
    """Describe a pipeline; an absent one is ResourceNotFound, as on AWS."""
    name = call.params["PipelineName"].rpartition("/")[2]
    try:
        return call.to_moto({**call.params, "PipelineName": name})
    except AwsError as error:
        raise _no_pipeline(call, name) from error


@operation("sagemaker", "DeletePipeline")
def delete_pipeline(call: Call) -> dict[str, Any]:
    """Delete a pipeline; an absent one is ResourceNotFound, as on AWS."""
    _pipeline(call)
    return call.to_moto()


@operation("sagemaker", "StartPipelineExecution")
def start_pipeline_execution(call: Call) -> dict[str, Any]:
    """Start an execution in the background."""
    return {"PipelineExecutionArn": of(call.cloud).start(call, _pipeline(call)).arn}


@operation("sagemaker", "StopPipelineExecution")
def stop_pipeline_execution(call: Call) -> dict[str, Any]:
    """Stop an execution after its current step."""
    execution = of(call.cloud).find(call.params["PipelineExecutionArn"])
    if execution.status != "Executing":
        raise invalid(
            f"Pipeline execution {execution.arn} is {execution.status}; only an executing one can be stopped."
        )
    execution.status = "Stopping"
    execution.stopping.set()
    return {"PipelineExecutionArn": execution.arn}


@operation("sagemaker", "DescribePipelineExecution")
def describe_pipeline_execution(call: Call) -> dict[str, Any]:
    """Describe an execution."""
    executions = of(call.cloud)
    return executions.describe(executions.find(call.params["PipelineExecutionArn"]))


@operation("sagemaker", "ListPipelineExecutions")
def list_pipeline_executions(call: Call) -> dict[str, Any]:
    """List a pipeline's executions."""
    executions = of(call.cloud).of(_pipeline(call)["PipelineArn"])
    rows = [_summary(execution) for execution in reversed(executions)]
    fields = {"CreationTime": "StartTime", "PipelineExecutionArn": "PipelineExecutionArn"}
    return listed(call, "PipelineExecutionSummaries", rows, fields, own=("PipelineName",))


def _summary(execution: Execution) -> dict[str, Any]:
    members = {
        "PipelineExecutionArn": execution.arn,
        "StartTime": execution.started,
        "PipelineExecutionStatus": execution.status,
    }
    return {**members, **({"PipelineExecutionFailureReason": execution.reason} if execution.reason else {})}


@operation("sagemaker", "ListPipelineExecutionSteps")
def list_pipeline_execution_steps(call: Call) -> dict[str, Any]:
    """List an execution's steps in the requested order."""
    execution = of(call.cloud).find(call.params["PipelineExecutionArn"])
    steps = list(execution.steps)
    if call.params.get("SortOrder", "Ascending") == "Descending":
        steps.reverse()
    return PAGES.page(call, "PipelineExecutionSteps", [_step(step) for step in steps])


def _step(step: StepRun) -> dict[str, Any]:
    members: dict[str, Any] = {
        "StepName": step.name,
        "StartTime": step.started,
        "StepStatus": step.status,
        "AttemptCount": 1,
    }
    optional = {
        "EndTime": step.ended,
        "FailureReason": step.reason,
        "Metadata": step.metadata,
        "CacheHitResult": {"SourcePipelineExecutionArn": step.cached_from} if step.cached_from else None,
    }
    return {**members, **{key: value for key, value in optional.items() if value}}


@operation("sagemaker", "DescribePipelineDefinitionForExecution")
def describe_definition(call: Call) -> dict[str, Any]:
    """Describe the definition that an execution ran, not the pipeline's newest one."""
    arn = call.params["PipelineExecutionArn"]
    text = of(call.cloud).definition(arn)
    return {"PipelineDefinition": json.dumps(json.loads(text)), "CreationTime": of(call.cloud).find(arn).started}


@operation("sagemaker", "ListPipelineParametersForExecution")
def list_parameters(call: Call) -> dict[str, Any]:
    """List an execution's parameters."""
    return PAGES.page(call, "PipelineParameters", of(call.cloud).parameters(call.params["PipelineExecutionArn"]))
