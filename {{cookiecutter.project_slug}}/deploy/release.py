"""Step 6: build/release.json: which model package this deployment is about; every later step reads it from here."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.errors import DeployError

PATH = Path("build/release.json")


@dataclass(frozen=True)
class Release:
    """The chosen model package and the names that follow from it."""

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
        """Read what `prepare` wrote.

        Raises:
            DeployError: when it did not, or something else wrote the file.
        """
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError as error:
            raise DeployError(f"{path}: is absent; run `python -m deploy prepare` first") from error
        except (ValueError, TypeError) as error:
            raise DeployError(f"{path}: cannot be read ({error}); run `python -m deploy prepare` again") from error
