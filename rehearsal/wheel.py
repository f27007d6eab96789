"""Build the wheel that the template vendors, and write its hash into the template's constraints.

    python rehearsal/wheel.py [--out FOLDER]

The same sources give the same bytes, anywhere and at any time. Its entries are stored, not deflated: Git compresses
them better, and a further version costs a repository 1 kB instead of 20 kB.
"""

import argparse
import hashlib
import re
import sys
import tempfile
import zipfile
from pathlib import Path

from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).resolve().parent
TEMPLATE = ROOT.parent / "{{cookiecutter.project_slug}}"
PINS = ("rehearsal.txt", "dev.txt")
PIN = re.compile(r"^sagemaker-rehearsal==\S+ \\\n {4}--hash=sha256:[0-9a-f]{64}$", re.M)


def build(folder: Path) -> Path:
    """Build the wheel into a folder; return its path."""
    with tempfile.TemporaryDirectory() as scratch:
        made = next(iter(WheelBuilder(str(ROOT)).build(directory=scratch, versions=["standard"])))
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / Path(made).name
        store(Path(made), target)
    return target


def store(source: Path, target: Path) -> None:
    """Write the entries of a zip in the order of their names, without compression, time or mode."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as new:
        for name in sorted(old.namelist()):
            entry = zipfile.ZipInfo(name)
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            new.writestr(entry, old.read(name))


def pin(wheel: Path) -> str:
    """Return the constraint that allows exactly this wheel."""
    version = wheel.name.split("-")[1]
    return f"sagemaker-rehearsal=={version} \\\n    --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}"


def main() -> int:
    """Build the wheel; without --out, put it in the place of the template's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="only build, into this folder")
    given = parser.parse_args()
    folder: Path = given.out or TEMPLATE / "wheels"
    wheel = build(folder)
    print(f"{wheel}: {wheel.stat().st_size} bytes")
    if given.out:
        return 0
    for other in folder.glob("sagemaker_rehearsal-*.whl"):
        if other != wheel:
            other.unlink()
    for name in PINS:
        path = TEMPLATE / "constraints" / name
        path.write_text(PIN.sub(lambda _: pin(wheel), path.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
