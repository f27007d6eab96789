"""Step 4: the settings as frozen values, each field with its rule and remedy.

Every message about a field is made of its `Rule`, whatever is wrong with the value (see pipeline/settings/load.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

ProblemType = Literal["BinaryClassification", "MulticlassClassification", "Regression"]
# Allowed objectives by problem type; the first is our default:
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AutoMLJobObjective.html
OBJECTIVES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "BinaryClassification": ("AUC", "Accuracy", "BalancedAccuracy", "F1", "Precision", "Recall"),
        "MulticlassClassification": ("F1macro", "Accuracy", "BalancedAccuracy", "PrecisionMacro", "RecallMacro"),
        "Regression": ("RMSE", "MAE", "MSE", "R2"),
    }
)


@dataclass(frozen=True)
class Rule:
    """What a field must be, and what to do about it when it is not."""

    must_be: str
    remedy: str

    @property
    def rule(self) -> str:
        """The rule as a part of a sentence."""
        return f"must be {self.must_be}"


class Model(BaseModel):
    """Frozen; unknown keys, wrong types, infinities and NaN are errors; `true` is no number and `1` no text."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, hide_input_in_errors=True)


_TEXT = Rule("text", "write the text, in quotes if it looks like a number, a boolean or a date")
_SOURCE = Rule("uci-adult, the path of a CSV, or s3://bucket/key.csv", "write where your CSV stands")
_FILE = Rule("a file of this repository, such as flows/preprocess.flow", "write its path from the repository's root")
_FRACTION = Rule("a number above 0 and below 1", "write 0.2 for 20 %")
_INSTANCE = Rule("an instance type such as ml.m5.large", "choose one of https://aws.amazon.com/sagemaker/pricing/")
_INSTANCES = Rule("a whole number from 1 to 100", "write 1; more only helps large data")
_RUNTIME = Rule("a whole number of seconds from 60 to 2592000", "write 3600 for an hour")
_CANDIDATES = Rule("a whole number from 1 to 750, or null", "write null for Autopilot's own choice")
_METRIC = Rule("a metric of the problem type", "choose one of those listed in settings.yaml")
_THRESHOLD = Rule("a finite number", "write a number such as 0.8")
_MINIMUMS = Rule("a mapping of metric to number", "write {auc: 0.9}, or {} for none")
_MEMORY = Rule("one of 1024, 2048, 3072, 4096, 5120, 6144", "choose the size above what the model needs")
_CONCURRENCY = Rule("a whole number from 1 to 200", "write how many requests may run at once, such as 20")
_PROVISIONED = Rule("a whole number from 1 to max_concurrency, or null", "write null to start on demand")
_KEPT_WARM = Rule("a whole number from 0 to max_concurrency, or null", "write 0 for none, null to take endpoint's")
_SCALED = Rule("a whole number from 0 to 200, or null", "write null to leave scaling off")
_LATENCY = Rule("milliseconds above 0 and at most 60000", "write a number such as 1000")
_SWITCH = Rule("true or false", "write true or false without quotes")
_WHOLE = Rule("a whole number of at least 1", "write a number such as 1000")
_AMOUNT = Rule("a number of at least 0", "write 0 for none")
_DAYS = Rule("a whole number of days from 0 to 365", "write 0 to run every step anew")
_KEY = Rule("the id, alias or ARN of a KMS key, or null", "write null for the service's own key")
_IDS = Rule("a list of at most 16 ids", "write [subnet-..., subnet-...] or [sg-...], or [] for no VPC")
_PROJECT = Rule("1 to 32 of a-z, 0-9 and -, beginning with a letter", "write a short name such as adult-income")
_REGION = Rule("an AWS region's code", "write a code such as us-east-1")
_PROVIDER = Rule("one of codecommit, github, gitlab, bitbucket", "write where the repository lives")
_PROBLEM = Rule(f"one of {', '.join(OBJECTIVES)}", "write what is to be predicted")
_COLUMN = Rule("the name of a column", "write it as the CSV's header has it")
_POSITIVE = Rule("text, or null for the rarer class", "write the class as the CSV has it, in quotes")
_OBJECTIVE = Rule("an objective of the problem type", "choose one of those listed")
_TAGS = Rule("a mapping of text to text", "write {team: risk}, or {} for none")

Text = Annotated[str, Field(min_length=1, max_length=1024), _TEXT]
File = Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^[A-Za-z0-9_][A-Za-z0-9_./ -]*$"), _FILE]
Fraction = Annotated[float, Field(gt=0, lt=1), _FRACTION]
Amount = Annotated[float, Field(ge=0), _AMOUNT]
Instance = Annotated[str, Field(pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$"), _INSTANCE]
# Serverless sizes: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariantServerlessConfig.html
Memory = Annotated[Literal[1024, 2048, 3072, 4096, 5120, 6144], _MEMORY]
Concurrency = Annotated[int, Field(ge=1, le=200), _CONCURRENCY]
Scaled = Annotated[int, Field(ge=0, le=200)]
# 750: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AutoMLJobCompletionCriteria.html
Candidates = Annotated[int, Field(ge=1, le=750)]
Key = Annotated[str, Field(pattern=r"^[a-zA-Z0-9:/_-]{1,2048}$")]
Ids = Annotated[tuple[str, ...], Field(strict=False, max_length=16), _IDS]
# The pattern of a SageMaker project's name:
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateProject.html
Project = Annotated[str, Field(max_length=32, pattern=r"^[a-zA-Z](-*[a-zA-Z0-9])*$"), _PROJECT]
Region = Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$"), _REGION]
Provider = Literal["codecommit", "github", "gitlab", "bitbucket"]
Tags = Annotated[Mapping[str, str], AfterValidator(MappingProxyType)]
Numbers = Annotated[Mapping[str, float], AfterValidator(MappingProxyType)]


def _nothing() -> MappingProxyType[str, Any]:
    return MappingProxyType({})


class Data(Model):
    """Where the rows come from and how they are divided."""

    source: Annotated[Text, _SOURCE] = "uci-adult"
    split_column: Annotated[Text | None, _TEXT] = None
    test_fraction: Fraction = 0.2
    validation_fraction: Fraction = 0.1
    drop_missing_target: Annotated[bool, _SWITCH] = False


class Flow(Model):
    """The Data Wrangler flows."""

    file: File = "flows/preprocess.flow"
    destination: Annotated[Text | None, _TEXT] = None
    balance: Annotated[File | None, _FILE] = None
    allow_custom_code: Annotated[bool, _SWITCH] = False


class AutoML(Model):
    """How long Autopilot may look for a model."""

    max_runtime_seconds: Annotated[int, Field(ge=60, le=2_592_000), _RUNTIME] = 3600
    max_candidates: Annotated[Candidates | None, _CANDIDATES] = None


class Gate(Model):
    """What a model must reach to be registered."""

    metric: Annotated[str, _METRIC]
    threshold: Annotated[float, _THRESHOLD]
    minimums: Annotated[Numbers, _MINIMUMS] = Field(default_factory=_nothing)
    champion_tolerance: Amount = 0.0


class Endpoint(Model):
    """The size of every stage's serverless endpoint."""

    memory_mb: Memory
    max_concurrency: Concurrency
    provisioned_concurrency: Annotated[Concurrency | None, _PROVISIONED] = None


class Stage(Model):
    """What differs in one stage; null takes the value of `endpoint`."""

    memory_mb: Annotated[Memory | None, _MEMORY] = None
    max_concurrency: Annotated[Concurrency | None, _CONCURRENCY] = None
    provisioned_concurrency: Annotated[Scaled | None, _KEPT_WARM] = None
    min_provisioned_concurrency: Annotated[Scaled | None, _SCALED] = None
    max_provisioned_concurrency: Annotated[Scaled | None, _SCALED] = None


class Stages(Model):
    """The two stages."""

    staging: Stage = Stage()
    prod: Stage = Stage()


class Check(Model):
    """What the staging test (step 8) demands."""

    rows: Annotated[int, Field(ge=1), _WHOLE] = 1000
    max_quality_drop: Amount = 0.02
    max_p95_ms: Annotated[float, Field(gt=0, le=60_000), _LATENCY] = 1000.0


class Compute(Model):
    """Machines of the jobs."""

    flow_instance: Instance = "ml.m5.4xlarge"
    job_instance: Instance = "ml.m5.large"
    transform_instance: Instance = "ml.m5.large"
    instance_count: Annotated[int, Field(ge=1, le=100), _INSTANCES] = 1


class Security(Model):
    """Optional encryption key and VPC of the jobs."""

    kms_key: Annotated[Key | None, _KEY] = None
    subnets: Ids = ()
    security_groups: Ids = ()


class Settings(Model):
    """All of settings.yaml."""

    project_name: Text = "Autopilot"
    project: Project = "autopilot"
    region: Region = "us-east-1"
    git_provider: Annotated[Provider, _PROVIDER] = "codecommit"
    problem_type: Annotated[ProblemType, _PROBLEM]
    target_column: Annotated[str, Field(min_length=1), _COLUMN]
    positive_class: Annotated[Text | None, _POSITIVE] = None
    objective_metric: Annotated[str, Field(validate_default=True), _OBJECTIVE] = ""
    data: Data = Data()
    flow: Flow = Flow()
    automl: AutoML = AutoML()
    gate: Gate
    endpoint: Endpoint
    stages: Stages = Stages()
    check: Check = Check()
    compute: Compute = Compute()
    cache_days: Annotated[int, Field(ge=0, le=365), _DAYS] = 30
    security: Security = Security()
    tags: Annotated[Tags, _TAGS] = Field(default_factory=_nothing)

    @field_validator("objective_metric")
    @classmethod
    def _default_objective(cls, value: str, info: ValidationInfo) -> str:
        return value or OBJECTIVES.get(info.data.get("problem_type", ""), ("",))[0]


def rule_of(path: tuple[str, ...]) -> Rule | None:
    """Find the rule of a field by its path; for something inside a field, the field's."""
    model: Any = Settings
    for name in path:
        info = model.model_fields.get(name)
        if info is None:
            return None
        rules = [item for item in info.metadata if isinstance(item, Rule)]
        if rules:
            return rules[-1]
        model = info.annotation
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return None
    return None


def known_paths(model: type[BaseModel] = Settings, prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """List the path of every key that settings.yaml may have."""
    paths: list[tuple[str, ...]] = []
    for name, info in model.model_fields.items():
        paths.append((*prefix, name))
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            paths += known_paths(info.annotation, (*prefix, name))
    return paths
