"""Step 4: find out what the pipeline will train on: what was given, UCI Adult, or the synthetic sample."""

from collections.abc import Callable
from pathlib import Path

from pipeline import sources
from rehearsal import data


def find(source: str, given: str | None, work: Path, say: Callable[[str], None]) -> tuple[str, str]:
    """Find the data, and say where they come from.

    Args:
        source: `data.source` of settings.yaml.
        given: what the user gave as DATA: a path, an s3:// URI, or `synthetic`.
        work: folder for a CSV or a sample that has to be made.
        say: shows a line.

    Returns:
        DATA for the build, empty where it finds the data by itself; and their origin, `data.NOTICE` for the sample.
    """
    chosen = given or ("" if source == sources.ADULT else source)
    if chosen == data.NAME:
        chosen = str(data.write(work / data.NAME))
    elif chosen and not chosen.startswith("s3://"):
        chosen = str(Path(chosen).expanduser().resolve())
    try:
        origin = sources.find(source, chosen or None, work / "data").origin
    except sources.UnreachableError:
        say("UCI Adult is neither given (DATA=folder) nor cached nor to be downloaded")
        chosen = str(data.write(work / data.NAME))
        origin = sources.find(source, chosen, work / "data").origin
    say(f"data: {origin}")
    return chosen, origin
