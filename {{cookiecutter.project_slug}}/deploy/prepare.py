"""Step 6: write what CloudFormation and the later steps need: build/staging.json, build/prod.json, build/release.json.

All three are decided before the first is written, so a mistake leaves nothing half written.
"""

import json
from pathlib import Path
from typing import Any

from deploy import stages
from deploy.approved import Package, find
from deploy.errors import DeployError
from deploy.release import PATH, Release
from pipeline import names
from pipeline.environment import Environment
from pipeline.settings import Settings


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
    """Parse deploy/STAGE.json.

    Raises:
        DeployError: when it is absent or no JSON.
    """
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
