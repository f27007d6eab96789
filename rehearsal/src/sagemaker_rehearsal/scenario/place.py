"""Where a command was given: in a clone of the template, in a team's repository, or in another folder."""

import os
from dataclasses import dataclass
from pathlib import Path

from sagemaker_rehearsal.scenario import settings
from sagemaker_rehearsal.scenario.settings import Settings
from sagemaker_rehearsal.server.errors import InputError

REGION = "us-east-1"


@dataclass(frozen=True)
class Place:
    """A folder in which `rehearse` was called.

    Attributes:
        folder: the folder.
        project: the folder whose `python -m pipeline` finds data; None where there is none.
        settings: of a team's repository; None elsewhere.
    """

    folder: Path
    project: Path | None = None
    settings: Settings | None = None

    @property
    def name(self) -> str:
        """The project's name that the settings give; empty outside a team's repository."""
        return self.settings.project if self.settings else ""

    @property
    def region(self) -> str:
        """The region: of the environment, of the settings, or the default."""
        return os.environ.get("AWS_DEFAULT_REGION") or (self.settings.region if self.settings else REGION)

    @property
    def source(self) -> str:
        """Where settings.yaml says that the data are; empty for UCI Adult."""
        return self.settings.source if self.settings else ""


def current() -> Place:
    """Return the current folder's place."""
    folder = Path.cwd()
    if (folder / "cookiecutter.json").is_file() and (folder / "catalog" / "publish.py").is_file():
        return Place(folder, next(folder.glob("{{*}}"), None))
    if (folder / "settings.yaml").is_file() and (folder / "pipeline").is_dir():
        return Place(folder, folder, settings.load(folder / "settings.yaml"))
    return Place(folder)


def with_project() -> Place:
    """Return the current folder's place.

    Raises:
        InputError: it is neither a clone of the template nor a team's repository.
    """
    place = current()
    if place.project is None:
        raise InputError(
            f"{place.folder}: is neither a clone of the template nor a repository rendered from it; go to one"
        )
    return place
