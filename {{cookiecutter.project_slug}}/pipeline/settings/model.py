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

    rule: str
    remedy: str


class Model(BaseModel):
    """Frozen; unknown keys, wrong types, infinities and NaN are errors; `true` is no number and `1` no text."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, hide_input_in_errors=True)


_TEXT = Rule("must be text", "write the text, in quotes if it looks like a number, a boolean or a date")
_FILE = Rule(
    "must be a file of this repository, such as flows/preprocess.flow", "write its path from the repository's root"
)
_FRACTION = Rule("must be a number above 0 and below 1", "write 0.2 for 20 %")
_INSTANCE = Rule(
    "must be an instance type such as ml.m5.large", "choose one of https://aws.amazon.com/sagemaker/pricing/"
)
# Serverless sizes: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariantServerlessConfig.html
_MEMORY = Rule("must be one of 1024, 2048, 3072, 4096, 5120, 6144", "choose the size above what the model needs")
_CONCURRENCY = Rule("must be a whole number from 1 to 200", "write how many requests may run at once, such as 20")
_PROVISIONED = Rule("must be a whole number from 1 to max_concurrency, or null", "write null to start on demand")
_KEPT_WARM = Rule(
    "must be a whole number from 0 to max_concurrency, or null", "write 0 for none, null to take endpoint's"
)
_SCALED = Rule("must be a whole number from 0 to 200, or null", "write null to leave scaling off")
_SWITCH = Rule("must be true or false", "write true or false without quotes")
_WHOLE = Rule("must be a whole number of at least 1", "write a number such as 1000")
_AMOUNT = Rule("must be a number of at least 0", "write 0 for none")
_IDS = Rule("must be a list of at most 16 ids", "write [subnet-..., subnet-...] or [sg-...], or [] for no VPC")

Text = Annotated[str, Field(min_length=1, max_length=1024), _TEXT]
File = Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^[A-Za-z0-9_][A-Za-z0-9_./ -]*$"), _FILE]
Fraction = Annotated[float, Field(gt=0, lt=1), _FRACTION]
Instance = Annotated[str, Field(pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$"), _INSTANCE]
Memory = Annotated[Literal[1024, 2048, 3072, 4096, 5120, 6144], _MEMORY]
Concurrency = Annotated[int, Field(ge=1, le=200), _CONCURRENCY]
Ids = Annotated[tuple[str, ...], Field(strict=False, max_length=16), _IDS]
Tags = Annotated[Mapping[str, str], AfterValidator(MappingProxyType)]
Numbers = Annotated[Mapping[str, float], AfterValidator(MappingProxyType)]


class Data(Model):
    """Where the rows come from and how they are divided."""

    source: Annotated[
        str,
        Field(min_length=1, max_length=1024),
        Rule("must be uci-adult, the path of a CSV, or s3://bucket/key.csv", "write where your CSV stands"),
    ] = "uci-adult"
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

    max_runtime_seconds: Annotated[
        int,
        Field(ge=60, le=2_592_000),
        Rule("must be a whole number of seconds from 60 to 2592000", "write 3600 for an hour"),
    ] = 3600
    # 750: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AutoMLJobCompletionCriteria.html
    max_candidates: Annotated[
        Annotated[int, Field(ge=1, le=750)] | None,
        Rule("must be a whole number from 1 to 750, or null", "write null for Autopilot's own choice"),
    ] = None


class Gate(Model):
    """What a model must reach to be registered."""

    metric: Annotated[str, Rule("must be a metric of the problem type", "choose one of those listed in settings.yaml")]
    threshold: Annotated[float, Rule("must be a finite number", "write a number such as 0.8")]
    minimums: Annotated[Numbers, Rule("must be a mapping of metric to number", "write {auc: 0.9}, or {} for none")] = (
        Field(default_factory=lambda: MappingProxyType({}))
    )
    champion_tolerance: Annotated[float, Field(ge=0), _AMOUNT] = 0.0


class Endpoint(Model):
    """The size of every stage's serverless endpoint."""

    memory_mb: Memory
    max_concurrency: Concurrency
    provisioned_concurrency: Annotated[Annotated[int, Field(ge=1, le=200)] | None, _PROVISIONED] = None


class Stage(Model):
    """What differs in one stage; null takes the value of `endpoint`."""

    memory_mb: Annotated[Memory | None, _MEMORY] = None
    max_concurrency: Annotated[Concurrency | None, _CONCURRENCY] = None
    provisioned_concurrency: Annotated[Annotated[int, Field(ge=0, le=200)] | None, _KEPT_WARM] = None
    min_provisioned_concurrency: Annotated[Annotated[int, Field(ge=0, le=200)] | None, _SCALED] = None
    max_provisioned_concurrency: Annotated[Annotated[int, Field(ge=0, le=200)] | None, _SCALED] = None


class Stages(Model):
    """The two stages."""

    staging: Stage = Stage()
    prod: Stage = Stage()


class Check(Model):
    """What the staging test (step 8) demands."""

    rows: Annotated[int, Field(ge=1), _WHOLE] = 1000
    max_quality_drop: Annotated[float, Field(ge=0), _AMOUNT] = 0.02
    max_p95_ms: Annotated[
        float,
        Field(gt=0, le=60_000),
        Rule("must be milliseconds above 0 and at most 60000", "write a number such as 1000"),
    ] = 1000.0


class Compute(Model):
    """Machines of the jobs."""

    flow_instance: Instance = "ml.m5.4xlarge"
    job_instance: Instance = "ml.m5.large"
    transform_instance: Instance = "ml.m5.large"
    instance_count: Annotated[
        int, Field(ge=1, le=100), Rule("must be a whole number from 1 to 100", "write 1; more only helps large data")
    ] = 1


class Security(Model):
    """Optional encryption key and VPC of the jobs."""

    kms_key: Annotated[
        Annotated[str, Field(pattern=r"^[a-zA-Z0-9:/_-]{1,2048}$")] | None,
        Rule("must be the id, alias or ARN of a KMS key, or null", "write null for the service's own key"),
    ] = None
    subnets: Ids = ()
    security_groups: Ids = ()


class Settings(Model):
    """All of settings.yaml."""

    project_name: Text = "Autopilot"
    # The pattern of a SageMaker project's name:
    # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateProject.html
    project: Annotated[
        str,
        Field(max_length=32, pattern=r"^[a-zA-Z](-*[a-zA-Z0-9])*$"),
        Rule("must be 1 to 32 of a-z, 0-9 and -, beginning with a letter", "write a short name such as adult-income"),
    ] = "autopilot"
    region: Annotated[
        str,
        Field(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$"),
        Rule("must be an AWS region's code", "write a code such as us-east-1"),
    ] = "us-east-1"
    git_provider: Annotated[
        Literal["codecommit", "github", "gitlab", "bitbucket"],
        Rule("must be one of codecommit, github, gitlab, bitbucket", "write where the repository lives"),
    ] = "codecommit"
    problem_type: Annotated[
        ProblemType,
        Rule(
            "must be one of BinaryClassification, MulticlassClassification, Regression", "write what is to be predicted"
        ),
    ]
    target_column: Annotated[
        str,
        Field(min_length=1),
        Rule("must be the name of a column", "write it as the CSV's header has it"),
    ]
    positive_class: Annotated[
        Text | None, Rule("must be text, or null for the rarer class", "write the class as the CSV has it, in quotes")
    ] = None
    objective_metric: Annotated[
        str,
        Field(validate_default=True),
        Rule("must be an objective of the problem type", "choose one of those listed"),
    ] = ""
    data: Data = Data()
    flow: Flow = Flow()
    automl: AutoML = AutoML()
    gate: Gate
    endpoint: Endpoint
    stages: Stages = Stages()
    check: Check = Check()
    compute: Compute = Compute()
    cache_days: Annotated[
        int, Field(ge=0, le=365), Rule("must be a whole number of days from 0 to 365", "write 0 to run every step anew")
    ] = 30
    security: Security = Security()
    tags: Annotated[Tags, Rule("must be a mapping of text to text", "write {team: risk}, or {} for none")] = Field(
        default_factory=lambda: MappingProxyType({})
    )

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
