"""Step 4: find out what the pipeline will train on: what the user named, UCI Adult, or the synthetic sample."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from sagemaker_rehearsal.scenario import synthetic_data
from sagemaker_rehearsal.server.errors import InputError, RehearsalError

UCI_ADULT = "uci-adult"
# Exit codes of `python -m pipeline find-data`
BAD_INPUT, UNREACHABLE = 2, 4


def find(
    project: Path | None, data: str | None, work: Path, say: Callable[[str], None], source: str = ""
) -> tuple[str, str]:
    """Find the data, and say where they come from.

    Args:
        project: the folder whose `python -m pipeline find-data` looks for them; None where there is no project.
        data: what the user named as DATA: a path, an s3:// URI, or `synthetic`.
        work: folder for a CSV or a sample that has to be made.
        say: shows a line.
        source: `data.source` of settings.yaml, where it is not UCI Adult.

    Returns:
        DATA for the build, empty where it finds the data by itself; and their origin, `synthetic_data.NOTICE` for the
        sample.

    Raises:
        InputError: what was named is no data.
    """
    chosen = data or source
    if chosen == synthetic_data.NAME:
        chosen = str(synthetic_data.write(work / synthetic_data.NAME))
    elif chosen and not chosen.startswith("s3://"):
        chosen = str(Path(chosen).expanduser().resolve())
    if project is None:
        if chosen and not chosen.startswith("s3://") and not Path(chosen).exists():
            raise InputError(f"DATA={chosen}: does not exist; give a CSV, a folder, or s3://...")
        return chosen, chosen
    try:
        origin = _origin(project, chosen, work / "data")
    except LookupError:
        say("UCI Adult is neither given (DATA=folder) nor cached nor to be downloaded")
        chosen = str(synthetic_data.write(work / synthetic_data.NAME))
        origin = _origin(project, chosen, work / "data")
    say(f"data: {origin}")
    return chosen, origin


def _origin(project: Path, chosen: str, work: Path) -> str:
    """Return where the project says that its data come from.

    Raises:
        LookupError: they are not named, not cached, and cannot be downloaded.
        InputError: what was named is no data.
    """
    command = [sys.executable, "-m", "pipeline", "find-data", "--source", UCI_ADULT, "--work", str(work)]
    command += ["--data", chosen] if chosen else []
    ended = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)  # noqa: S603 (the project's own)
    if ended.returncode == UNREACHABLE:
        raise LookupError(ended.stderr)
    if ended.returncode:
        message = "\n".join(line.removeprefix("error: ") for line in ended.stderr.strip().splitlines())
        raise (InputError if ended.returncode == BAD_INPUT else RehearsalError)(message)
    return str(json.loads(ended.stdout)["origin"])
