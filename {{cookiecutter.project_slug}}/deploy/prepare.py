"""Step 6: write what CloudFormation and the later steps need: build/staging.json, build/prod.json, build/release.json.

All three are decided before the first is written, so a mistake leaves nothing half written.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deploy import stages
from deploy.approved import Package, find
from pipeline.aws import names
from pipeline.aws.environment import Environment
from pipeline.errors import DeployError
from pipeline.settings.model import Settings

PATH = Path("build/release.json")


@dataclass(frozen=True)
class Release:
    """build/release.json: the chosen model package and the names that follow from it; every later step reads it."""

    model_package_arn: str
    model_package_group: str
    version: int
    endpoints: dict[str, str]

    def prefix(self, stage: str) -> str:
        """Where the stage's results stand in the project's bucket, e.g. `releases/3/staging/`."""
        return f"releases/{self.version}/{stage}/"

    def text(self) -> str:
        """Write as JSON."""
        return json.dumps(asdict(self), indent=2, sort_keys=True) + "\n"

    @classmethod
    def load(cls, path: Path = PATH) -> "Release":
        """Read what `prepare` wrote; raise DeployError when it did not, or something else wrote the file."""
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError as error:
            raise DeployError(f"{path}: is absent; run `python -m deploy prepare` first") from error
        except (ValueError, TypeError) as error:
            raise DeployError(f"{path}: cannot be read ({error}); run `python -m deploy prepare` again") from error


def plan(settings: Settings, environment: Environment, package: Package, bases: dict[str, object]) -> dict[Path, str]:
    """Decide the contents of the files under build/.

    Args:
        settings: the team's settings.
        environment: what the product's CodeBuild project gives.
        package: the approved model package.
        bases: each stage's parsed deploy/STAGE.json.

    Raises:
        DeployError: when sizes contradict each other or a base sets what is owned elsewhere.
    """
    release = Release(
        model_package_arn=package.arn,
        model_package_group=package.group,
        version=package.version,
        endpoints={stage: names.endpoint(environment.project_name, stage) for stage in stages.STAGES},
    )
    files = {PATH: release.text()}
    tags = {
        "sagemaker:project-name": environment.project_name,
        "sagemaker:project-id": environment.project_id,
        "model-package-version": str(package.version),
        **settings.tags,
    }
    for stage, base in bases.items():
        ours = stages.parameters(settings, environment, stage, package.arn)
        configuration = stages.merge(base, ours, tags, f"deploy/{stage}.json")
        files[PATH.with_name(f"{stage}.json")] = json.dumps(configuration, indent=2, sort_keys=True) + "\n"
    return files


def read_base(stage: str, root: Path) -> object:
    """Parse deploy/STAGE.json; raise DeployError when it is absent or no JSON."""
    path = root / "deploy" / f"{stage}.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DeployError(f"deploy/{stage}.json: cannot be read ({error}); restore it from the template") from error


def run(settings: Settings, environment: Environment, sagemaker: Any, root: Path) -> list[Path]:  # noqa: ANN401
    """Choose the package, decide the files, write them under `root`; return their paths."""
    group = names.model_package_group(environment.project_name, environment.project_id)
    package = find(sagemaker, group, environment.model_package_arn)
    files = plan(settings, environment, package, {stage: read_base(stage, root) for stage in stages.STAGES})
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return list(files)
