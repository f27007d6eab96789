"""Step 4: execute a pipeline definition: order, conditions, cache, failures; `steps/` runs each type of step."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from sagemaker_rehearsal.pipelines import graph, steps
from sagemaker_rehearsal.pipelines.cache import Entry
from sagemaker_rehearsal.pipelines.errors import ExecutorError
from sagemaker_rehearsal.pipelines.records import Context, Execution, StepRun, new_id
from sagemaker_rehearsal.pipelines.references import Scope
from sagemaker_rehearsal.pipelines.storage import Storage

FAILED = "Step failure: One or multiple steps failed."


def values(definition: Mapping[str, Any], overrides: Mapping[str, str]) -> dict[str, Any]:
    """Return every parameter's value in its declared type: the override or the default.

    Raises:
        ExecutorError: for a parameter that is unknown, has no value, or a value of another type or not in EnumValues.
    """
    declared = {parameter["Name"]: parameter for parameter in definition.get("Parameters", [])}
    unknown = sorted(set(overrides) - set(declared))
    if unknown:
        raise ExecutorError(f"Parameter [{unknown[0]}] is not defined in the pipeline's definition")
    resolved = {}
    for name, parameter in declared.items():
        if name not in overrides and "DefaultValue" not in parameter:
            raise ExecutorError(f"Parameter [{name}] has no default value; give one")
        resolved[name] = _typed(name, parameter["Type"], overrides.get(name, parameter.get("DefaultValue")))
        allowed = parameter.get("EnumValues")
        if allowed and resolved[name] not in allowed:
            raise ExecutorError(
                f"Parameter [{name}]: got {resolved[name]!r}; must be one of {', '.join(map(str, allowed))}"
            )
    return resolved


def _typed(name: str, kind: str, value: Any) -> Any:  # noqa: ANN401 (JSON)
    try:
        if kind == "Boolean":
            return {"true": True, "false": False}[str(value).lower()]
        return {"String": str, "Integer": int, "Float": float}[kind](value)
    except (KeyError, TypeError, ValueError) as error:
        raise ExecutorError(f"Parameter [{name}]: got {value!r}, which is no {kind}") from error


def execute(
    definition: Mapping[str, Any], parameters: Mapping[str, str], context: Context, execution: Execution | None = None
) -> Execution:
    """Run a definition to its end; a failed step is reported in the execution's status and reasons, not raised.

    Args:
        definition: the parsed definition JSON.
        parameters: values by name, as in StartPipelineExecution.
        context: the clients, folders and hooks that it runs with.
        execution: a record to fill; one with a new id when None.

    Raises:
        ExecutorError: when definition or parameters are invalid; no step has run then.
    """
    graph.check(definition)
    chosen = values(definition, parameters)
    name = execution.pipeline_name if execution else "pipeline"
    arn = context.arn("pipeline", f"{name}")
    record = execution or Execution(f"{arn}/execution/{new_id()}", arn, name)
    record.parameters = chosen
    _Run(definition, record, context).run()
    return record


class _Run:
    """The state of a running execution."""

    def __init__(self, definition: Mapping[str, Any], execution: Execution, context: Context) -> None:
        self._definition = definition
        self._execution = execution
        self._context = context
        self._done: dict[str, Mapping[str, Any]] = {}
        self._definitions = {step["Name"]: step for step in graph.all_steps(definition["Steps"])}
        self._storage = Storage(context.client("s3"))
        fixed = {
            "PipelineExecutionId": execution.id,
            "PipelineExecutionArn": execution.arn,
            "PipelineName": execution.pipeline_name,
            "PipelineArn": execution.pipeline_arn,
            "StartDateTime": execution.started.isoformat(),
            "CurrentDateTime": execution.started.isoformat(),
        }
        self._scope = Scope(execution.parameters, fixed, self._done, self._property_file, self._storage.text)

    def run(self) -> None:
        """Run every step whose dependencies have succeeded, until none is left."""
        pending = list(self._definition["Steps"])
        while ready := [step for step in pending if graph.dependencies(step) <= self._done.keys()]:
            if self._execution.stopping.is_set():
                break
            step = ready[0]
            pending.remove(step)
            pending.extend(self._run_step(step))
        self._finish()

    def _finish(self) -> None:
        execution = self._execution
        if execution.stopping.is_set():
            execution.status = "Stopped"
        elif any(step.status == "Failed" for step in execution.steps):
            execution.status, execution.reason = "Failed", FAILED
        else:
            execution.status = "Succeeded"
        execution.modified = datetime.now(UTC)

    def _run_step(self, step: graph.Step) -> list[graph.Step]:
        """Run one step; return the steps of the branch that a condition chose."""
        run = StepRun(step["Name"], step["Type"])
        self._execution.steps.append(run)
        self._context.progress(run)
        branch: list[graph.Step] = []
        try:
            self._work(step, run)
            if step["Type"] == "Condition":
                branch = step["Arguments"].get("IfSteps" if run.properties["Outcome"] else "ElseSteps", [])
            self._done[run.name] = run.properties
            run.status = "Succeeded"
        except (ExecutorError, ClientError, BotoCoreError, OSError, KeyError, ValueError, RuntimeError) as error:
            known = isinstance(error, ExecutorError | ClientError)
            run.reason = (str(error) if known else f"InternalServerError: {error!r}")[:1024]
            run.status = "Stopped" if self._execution.stopping.is_set() else "Failed"
        run.ended = datetime.now(UTC)
        self._execution.modified = run.ended
        self._context.progress(run)
        return list(branch)

    def _work(self, step: graph.Step, run: StepRun) -> None:
        own = step.get("Arguments", {})
        # references in a condition's branches are resolved when their steps run
        arguments = self._scope.resolve(
            {key: value for key, value in own.items() if key not in ("IfSteps", "ElseSteps")}
        )
        cached = self._context.cache.find(self._execution.pipeline_arn, step, arguments)
        if cached:
            run.properties, run.cached_from = cached.properties, cached.execution_arn
            run.metadata = steps.metadata(step["Type"], cached.properties)
            return
        work = steps.Work(step, arguments, self._execution, self._context, self._storage, run)
        run.properties = steps.run(work)
        run.metadata = steps.metadata(step["Type"], run.properties)
        entry = Entry(run.properties, self._execution.arn, datetime.now(UTC))
        self._context.cache.keep(self._execution.pipeline_arn, step, arguments, entry)

    def _property_file(self, step: str, name: str) -> str:
        declared = {
            property_file["PropertyFileName"]: property_file
            for property_file in self._definitions[step].get("PropertyFiles", [])
        }
        if name not in declared:
            raise ExecutorError(f"ClientError: step [{step}] declares no property file [{name}]")
        outputs = self._done[step]["ProcessingOutputConfig"]["Outputs"]
        output = next(
            (candidate for candidate in outputs if candidate["OutputName"] == declared[name]["OutputName"]), None
        )
        if output is None:
            raise ExecutorError(f"ClientError: step [{step}] has no output [{declared[name]['OutputName']}]")
        return self._storage.text(f"{output['S3Output']['S3Uri'].rstrip('/')}/{declared[name]['FilePath']}")


def wait(execution: Execution, seconds: float) -> bool:
    """Wait until an execution has ended; return False when it has not after `seconds`."""
    deadline = time.monotonic() + seconds
    while execution.status in ("Executing", "Stopping") and time.monotonic() < deadline:
        time.sleep(0.05)
    return execution.status not in ("Executing", "Stopping")
