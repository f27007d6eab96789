"""Step 4: the training pipeline on one screen: no I/O, no network, no credentials.

    Preprocess -> Split [-> Balance, on the training rows] -> Autopilot -> CreateModel -> Predict -> Evaluate -> Gate
    Gate -> Register | GateFailed

Split comes after the row-wise cleaning and before anything that makes or copies rows, so that no synthetic and no
duplicate row reaches the validation or the held-out rows.
"""

import json
from functools import partial
from typing import Any

from pipeline.aws import names, sdk
from pipeline.aws.environment import Environment
from pipeline.aws.requests import Maker, of_evaluate, of_split
from pipeline.aws.sdk import RequestStep
from pipeline.aws.upload import Sources
from pipeline.errors import PipelineError
from pipeline.settings.model import Settings
from pipeline.steps.gate import METRICS

# Python and libraries of this image bound what pipeline/steps may use.
SKLEARN_VERSION = "1.4-2-py312"
SIDES = ("train", "validation", "test", "features", "split")
NO_ORIGIN = "not recorded"
STATUSES = ["PendingManualApproval", "Approved", "Rejected"]
REPORT = sdk.PropertyFile(name="Evaluation", output_name="evaluation", path="evaluation.json")


class Parameters:
    """What one start may change without a commit: an attribute a parameter, the settings' value as its default."""

    def __init__(self, settings: Settings, input_uri: str, origin: str) -> None:
        compute = settings.compute
        self.input = sdk.ParameterString("InputDataUri", default_value=input_uri or None)
        self.origin = sdk.ParameterString("DataOrigin", default_value=origin or NO_ORIGIN)
        self.approval = sdk.ParameterString("ModelApprovalStatus", default_value=STATUSES[0], enum_values=STATUSES)
        self.threshold = sdk.ParameterFloat("GateThreshold", default_value=settings.gate.threshold)
        self.flow_instance = sdk.ParameterString("FlowInstanceType", default_value=compute.flow_instance)
        self.job_instance = sdk.ParameterString("JobInstanceType", default_value=compute.job_instance)
        self.transform_instance = sdk.ParameterString("TransformInstanceType", default_value=compute.transform_instance)
        self.commit = sdk.ParameterString("Commit", default_value="uncommitted")

    def all(self) -> list[Any]:
        """Return all parameters in a fixed order."""
        return list(vars(self).values())


def build(settings: Settings, environment: Environment, sources: Sources) -> dict[str, Any]:
    """Build the pipeline's definition as the JSON object that CreatePipeline takes."""
    make, region = Maker(settings, environment), environment.region
    parameters = Parameters(settings, sources.input_uri, sources.input_origin)
    group = names.model_package_group(environment.project_name, environment.project_id)
    wrangler, sklearn = _image("data-wrangler", region), _image("sklearn", region, SKLEARN_VERSION)
    code, run = (sources.code_uri, "code"), partial(_folder, environment.bucket)
    kinds, jobs, calls = sdk.StepTypeEnum, _job_retries(), [_step_retry()]
    cached = partial(RequestStep, cache=_cache(settings.cache_days), retries=jobs)

    request = make.flow(
        wrangler, sources.flow, sources.flow_uri, parameters.input, run("preprocess"), parameters.flow_instance
    )
    preprocess = cached("Preprocess", kinds.PROCESSING, request)
    rows = preprocess.output(f"{sources.flow.destination}.default")

    sides = {side: (run(f"split/{side}"), f"output/{side}") for side in SIDES}
    options, script = of_split(settings), "code/pipeline/steps/split.py"
    request = make.script(
        sklearn, script, {"input": (rows, "input"), "code": code}, sides, options, parameters.job_instance
    )
    split = cached("Split", kinds.PROCESSING, request)
    steps, training = [preprocess, split], split.output("train")

    if sources.balance:
        uri, flow = sources.balance_uri, sources.balance
        request = make.flow(wrangler, flow, uri, training, run("balance"), parameters.flow_instance)
        balance = cached("Balance", kinds.PROCESSING, request)
        steps, training = [*steps, balance], balance.output(f"{flow.destination}.default")

    request = make.automl(training, split.output("validation"), run("automl"))
    autopilot = cached("Autopilot", kinds.AUTOML, request)
    container = make.container(autopilot.properties.BestCandidate.InferenceContainers[0])

    model = RequestStep("CreateModel", kinds.CREATE_MODEL, make.model(container), retries=calls)

    name, features = model.properties.ModelName, split.output("features")
    request = make.transform(name, features, run("predictions"), parameters.transform_instance)
    predict = RequestStep("Predict", kinds.TRANSFORM, request, retries=jobs)
    predictions = predict.properties.TransformOutput.S3OutputPath

    inputs = {
        "predictions": (predictions, "predictions"),
        "test": (split.output("test"), "test"),
        "report": (split.output("split"), "report"),
        "code": code,
    }
    outputs = {"evaluation": (run("evaluation"), "output")}
    options = of_evaluate(settings, parameters.threshold.to_string(), group, region)
    script = "code/pipeline/steps/evaluate.py"
    request = make.script(sklearn, script, inputs, outputs, options, parameters.job_instance)
    evaluate = RequestStep("Evaluate", kinds.PROCESSING, request, property_files=[REPORT], retries=jobs)
    evaluation = _file(evaluate, "evaluation.json")

    notes = {
        "ProjectName": environment.project_name,
        "Commit": parameters.commit,
        "PipelineExecutionArn": sdk.ExecutionVariables.PIPELINE_EXECUTION_ARN,
        "InputDataUri": parameters.input,
        "DataOrigin": parameters.origin,
        "FlowUri": sources.flow_uri,
        "TestDataUri": split.output("test"),
        "PredictionsUri": predictions,
        "EvaluationUri": evaluation,
        "AutoMLJobName": autopilot.properties.AutoMLJobName,
    }
    reports = (_file(evaluate, "model_quality.json"), _file(evaluate, "explainability.json"))
    request = make.register(group, container, parameters.approval, reports, notes)
    register = RequestStep("Register", kinds.REGISTER_MODEL, request, retries=calls)

    failed = sdk.FailStep("GateFailed", error_message=_reason(settings, parameters, evaluation))
    gate = sdk.ConditionStep(
        "Gate", conditions=_conditions(settings, parameters), if_steps=[register], else_steps=[failed]
    )

    title = names.pipeline(environment.project_name, environment.project_id)
    steps += [autopilot, model, predict, evaluate, gate]
    pipeline = sdk.Pipeline(title, parameters.all(), steps=steps, sagemaker_session=sdk.OfflineSession(region))
    definition: dict[str, Any] = json.loads(pipeline.definition())
    return {key: value for key, value in definition.items() if value is not None}  # the SDK writes MlflowConfig: null


def _image(name: str, region: str, version: str | None = None) -> str:
    """Look up a container's image in the SDK's own table."""
    try:
        return str(sdk.image_uris.retrieve(name, region, version, instance_type="ml.m5.large"))
    except ValueError as error:
        rule = f"the SDK knows no {name} image there; choose a region that has Data Wrangler"
        raise PipelineError(f"region: got {region!r}; {rule} ({error})") from error


def _folder(bucket: str, name: str) -> sdk.Join:
    """Refer to a folder of this execution in the project's bucket."""
    return sdk.Join(on="/", values=[f"s3://{bucket}/runs", sdk.ExecutionVariables.PIPELINE_EXECUTION_ID, name])


def _file(step: RequestStep, name: str) -> sdk.Join:
    return sdk.Join(on="/", values=[step.output("evaluation"), name])


def _cache(days: int) -> sdk.CacheConfig | None:
    return sdk.CacheConfig(enable_caching=True, expire_after=f"P{days}D") if days else None


def _step_retry() -> sdk.StepRetryPolicy:
    """Retry calls that the service throttled; Model and RegisterModel steps take only exceptions of this kind."""
    errors = [sdk.StepExceptionTypeEnum.SERVICE_FAULT, sdk.StepExceptionTypeEnum.THROTTLING]
    return sdk.StepRetryPolicy(errors, interval_seconds=10, max_attempts=5)


def _job_retries() -> list[Any]:
    """Retry jobs, too, for which no machine was free."""
    kinds = sdk.SageMakerJobExceptionTypeEnum
    causes = [kinds.CAPACITY_ERROR, kinds.RESOURCE_LIMIT, kinds.INTERNAL_ERROR]
    return [_step_retry(), sdk.SageMakerJobStepRetryPolicy(causes, interval_seconds=60, max_attempts=5)]


def _conditions(settings: Settings, parameters: Parameters) -> list[Any]:
    """Return the gate's conditions: the metric compared with the threshold, and what Evaluate decided of the rest."""

    def reached(name: str) -> sdk.JsonGet:
        return sdk.JsonGet(step_name="Evaluate", property_file=REPORT, json_path=f"gate.{name}")

    lower = METRICS[settings.gate.metric].direction == "minimize"
    within = sdk.ConditionLessThanOrEqualTo if lower else sdk.ConditionGreaterThanOrEqualTo
    decided = ("minimums_met", "beats_baseline", "beats_champion")
    others = [sdk.ConditionGreaterThanOrEqualTo(left=reached(name), right=1) for name in decided]
    return [within(left=reached("value"), right=parameters.threshold), *others]


def _reason(settings: Settings, parameters: Parameters, evaluation: sdk.Join) -> sdk.Join:
    """Return the message of a failed gate: its demands, and the URI of the evaluation."""
    gate = settings.gate
    bound = "most" if METRICS[gate.metric].direction == "minimize" else "least"
    demanded = f"; minimums {json.dumps(dict(gate.minimums))} must be met, and the model must beat the constant answer "
    rest = f"{demanded}and be no worse than the approved model. What it reached: "
    return sdk.Join(
        on="", values=[f"The gate failed: {gate.metric} must be at {bound} ", parameters.threshold, rest, evaluation]
    )
