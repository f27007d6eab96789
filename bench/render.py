"""Step 3: how long rendering takes as a whole process, against Cookiecutter's own floor in the same run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from tests.tree import LEFT_BEHIND, ROOT, TEMPLATE, files_under

ROUNDS = 9
RENDERED = 7


def floor_template(folder: Path) -> Path:
    """Write a template of one file without hooks: what Cookiecutter costs by itself."""
    (folder / "{{cookiecutter.project_slug}}").mkdir(parents=True)
    (folder / "{{cookiecutter.project_slug}}" / "README.md").write_text("# {{ cookiecutter.project_slug }}\n")
    (folder / "cookiecutter.json").write_text(json.dumps({"project_slug": "adult-income"}))
    return folder


def product_template(folder: Path) -> Path:
    """Copy this template without what tools left in it."""
    folder.mkdir()
    shutil.copy(ROOT / "cookiecutter.json", folder)
    for name in ("hooks", TEMPLATE.name):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns(*LEFT_BEHIND))
    return folder


def without_hooks(product: Path, folder: Path) -> Path:
    """Copy a template but for its hooks, to tell their share."""
    shutil.copytree(product, folder, ignore=shutil.ignore_patterns("hooks"))
    return folder


def seconds(template: Path, out: Path) -> float:
    """Return the wall time of one `cookiecutter` process."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    command = [sys.executable, "-m", "cookiecutter", "--no-input", "--default-config", "-o", str(out), str(template)]
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def measure(folder: Path) -> dict[str, float]:
    """Return the median milliseconds of each template; rounds alternate, so that a busy machine hits all alike."""
    product = product_template(folder / "product")
    templates = {
        "floor": floor_template(folder / "floor"),
        "product": product,
        "product without hooks": without_hooks(product, folder / "bare"),
    }
    times: dict[str, list[float]] = {name: [] for name in templates}
    for _ in range(ROUNDS):
        for name, template in templates.items():
            times[name].append(seconds(template, folder / "out"))
    return {name: median(values) * 1000 for name, values in times.items()}


def per_file(folder: Path, *, copied: bool) -> float:
    """Return milliseconds for each further file, from a template with 300 more of them in its root."""
    from cookiecutter.main import cookiecutter

    template = floor_template(folder / f"many-{copied}")
    for number in range(300):
        (template / "{{cookiecutter.project_slug}}" / f"file{number}.md").write_text(
            "# {{ cookiecutter.project_slug }}\n"
        )
    patterns = ["*.md"] if copied else []
    answers = {"project_slug": "adult-income", "_copy_without_render": patterns}
    (template / "cookiecutter.json").write_text(json.dumps(answers))
    start = time.perf_counter()
    cookiecutter(str(template), no_input=True, default_config=True, output_dir=str(folder / f"out-{copied}"))
    return (time.perf_counter() - start) * 1000 / 301


def main() -> None:
    """Print one row for each figure."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        times = measure(folder)
        rows = [(f"render: {name}, whole process", value, "ms") for name, value in times.items()]
        rows.append(("render: ratio to the floor (limit 1.5)", times["product"] / times["floor"], ""))
        rows.append((f"render: files, of which {RENDERED} rendered", float(len(files_under(TEMPLATE))), ""))
        rows.append(("render: each rendered file", per_file(folder, copied=False), "ms"))
        rows.append(("render: each file copied by name", per_file(folder, copied=True), "ms"))
    for name, value, unit in rows:
        print(f"{name:<45} {value:>9.2f} {unit}")


if __name__ == "__main__":
    main()
