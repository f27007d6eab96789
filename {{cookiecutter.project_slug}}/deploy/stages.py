"""Steps 7 and 10: what differs between staging and prod, as values.

Each value has one home, so that nothing is written twice:

==========================  ==================================================================================
settings.yaml               sizes: `endpoint.*` for every stage, `stages.STAGE.*` where one stage differs; the
                            latency limit `check.max_p95_ms` is also the alarm's
deploy/STAGE.json           what only operations know of the stage's stack: the alarm topic, further stack tags
the environment             project name and id, the endpoint's role (the product's CodeBuild projects give them)
the registry                the model package (deploy/approved.py)
==========================  ==================================================================================

`merge` refuses a STAGE.json that sets what another place owns.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from pipeline.aws.environment import STAGES, Environment
from pipeline.errors import DeployError
from pipeline.settings.model import Settings

# Template configuration files hold these sections:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/continuous-delivery-codepipeline-cfn-artifacts.html
SECTIONS = {"Parameters", "Tags", "StackPolicy"}
MAX_TAGS = 50

__all__ = ["STAGES", "Sizes", "merge", "parameters"]

Configuration = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Sizes:
    """How large one stage's serverless endpoint is; 0 means that it is not kept warm, or not scaled.

    Their order (what CloudFormation's Rules cannot check) is a rule of settings.yaml: pipeline/settings/rules.py.
    """

    memory_mb: int
    max_concurrency: int
    provisioned_concurrency: int = 0
    min_provisioned_concurrency: int = 0
    max_provisioned_concurrency: int = 0

    @classmethod
    def of(cls, settings: Settings, stage: str) -> "Sizes":
        """Take the stage's own value where settings.yaml sets one, else the one of `endpoint`."""
        chosen = {}
        for field in fields(cls):
            own = getattr(getattr(settings.stages, stage), field.name, None)
            shared = getattr(settings.endpoint, field.name, None)
            chosen[field.name] = int((shared if own is None else own) or 0)
        return cls(**chosen)


def parameters(settings: Settings, environment: Environment, stage: str, package_arn: str) -> dict[str, str]:
    """Return every parameter of endpoint.yaml that does not come from STAGE.json, as text."""
    sizes = Sizes.of(settings, stage)
    return {
        "SageMakerProjectName": environment.project_name,
        "SageMakerProjectId": environment.project_id,
        "StageName": stage,
        "ModelPackageArn": package_arn,
        "EndpointRoleArn": environment.endpoint_role_arn,
        "MemorySizeInMB": str(sizes.memory_mb),
        "MaxConcurrency": str(sizes.max_concurrency),
        "ProvisionedConcurrency": str(sizes.provisioned_concurrency),
        "MinProvisionedConcurrency": str(sizes.min_provisioned_concurrency),
        "MaxProvisionedConcurrency": str(sizes.max_provisioned_concurrency),
        "ModelLatencyAlarmMicroseconds": str(round(settings.check.max_p95_ms * 1000)),
    }


def merge(base: object, ours: Mapping[str, str], tags: Mapping[str, str], where: str) -> Configuration:
    """Join a stage's parsed STAGE.json with parameters and tags of the other places into a template configuration.

    Raises:
        DeployError: when the file `where` has another form, or sets what is owned elsewhere.
    """
    sections = _sections(base, where)
    for section, owned in (("Parameters", ours), ("Tags", tags)):
        for key, value in sections[section].items():
            if not isinstance(value, str):
                raise DeployError(f"{where}: {section}.{key}: got {value!r}; CloudFormation takes text only; quote it")
            if key in owned:
                raise DeployError(
                    f"{where}: {section}.{key}: got {value!r}; settings.yaml, the project or the registry gives it; "
                    "remove it here and change it there"
                )
    owned_elsewhere = {"Parameters": {**sections["Parameters"], **ours}, "Tags": {**sections["Tags"], **tags}}
    merged: Configuration = {**sections, **owned_elsewhere}
    if len(merged["Tags"]) > MAX_TAGS:
        rule = f"a stack takes at most {MAX_TAGS}; remove some"
        raise DeployError(f"{where}: Tags: got {len(merged['Tags'])} in all; {rule}")
    return merged


def _sections(base: object, where: str) -> Configuration:
    if not isinstance(base, dict) or not all(isinstance(section, dict) for section in base.values()):
        rule = "must be a JSON object of the objects Parameters and Tags; restore it from the template"
        raise DeployError(f"{where}: {rule}")
    unknown = sorted(set(base) - SECTIONS)
    if unknown:
        rule = f"is no section of a template configuration; use {', '.join(sorted(SECTIONS))}"
        raise DeployError(f"{where}: {unknown[0]}: {rule}")
    return {"Parameters": {}, "Tags": {}, **base}
