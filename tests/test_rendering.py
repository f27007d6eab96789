"""Step 3: the same repository, byte for byte, whichever way it is rendered, and exactly the files that are listed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path

import cruft
import pytest
import yaml

from tests.conftest import Bake
from tests.tree import ROOT, TEMPLATE, TREE, files_under, tree_id

Cli = Callable[..., subprocess.CompletedProcess[str]]
QUESTIONS = json.loads((ROOT / "cookiecutter.json").read_text())
CHOICES = {name: value for name, value in QUESTIONS.items() if isinstance(value, list) and not name.startswith("_")}
BUILDSPECS = ["buildspecs/build.yml", "buildspecs/check.yml", "buildspecs/prepare.yml"]
RENDERED = ["LICENSE", "README.md", *BUILDSPECS, "pyproject.toml", "settings.yaml"]


def rows_of_choices() -> list[dict[str, str]]:
    """Return sets of answers in which each choice of each question occurs."""
    rows = zip_longest(*CHOICES.values())
    return [{name: pick or CHOICES[name][0] for name, pick in zip(CHOICES, row, strict=True)} for row in rows]


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def template_in_git(template: Path, tmp_path: Path) -> Path:
    """Return the template as a Git repository."""
    repository = tmp_path / "cookiecutter-sagemaker-autopilot"
    shutil.copytree(template, repository)
    git(repository, "init", "-q", "-b", "main")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "Start")
    return repository


def test_the_tree_is_the_listed_one(bake: Bake) -> None:
    """A file that is added or lost shows in a diff of tests/tree.txt (`make tree` writes it)."""
    assert TREE.read_text().splitlines() == files_under(bake())


def test_few_files_are_rendered_and_all_others_are_copied_byte_for_byte(bake: Bake, template: Path) -> None:
    """So code can be linted, typed and tested where it stands."""
    folder = bake(project_name="Other", target_column="other", author_email="a@example.com")
    source = template / TEMPLATE.name
    differing = [name for name in files_under(folder) if (folder / name).read_bytes() != (source / name).read_bytes()]
    assert RENDERED == differing


def test_copied_files_hold_no_answer_and_no_template_text() -> None:
    """What looks like a template in a copied file would be one in the repository too."""
    names = [name for name in files_under(TEMPLATE) if name not in RENDERED and not name.endswith(".whl")]
    residue = [name for name in names if b"cookiecutter." in (TEMPLATE / name).read_bytes()]
    assert [] == residue


@pytest.mark.parametrize("answers", rows_of_choices(), ids=lambda row: "-".join(row.values()))
def test_every_choice_gives_files_that_parse_and_hold_no_jinja(bake: Bake, answers: dict[str, str]) -> None:
    """The rendered files carry the choices, and nothing of the template's own language is left."""
    folder = bake(**answers)
    texts = {name: (folder / name).read_text(encoding="utf-8") for name in RENDERED}
    assert [] == [name for name, text in texts.items() if re.search(r"\{\{|\{%|\{#|cookiecutter\.", text)]
    project = tomllib.loads(texts["pyproject.toml"])["project"]
    assert answers["problem_type"] == yaml.safe_load(texts["settings.yaml"])["problem_type"]
    assert [f"Programming Language :: Python :: {answers['python_version']}"] == project["classifiers"]
    runtimes = [yaml.safe_load(texts[name])["phases"]["install"]["runtime-versions"] for name in BUILDSPECS]
    assert [{"python": answers["python_version"]}] * 3 == runtimes
    assert answers["git_provider"] in texts["README.md"]
    first_line = {"Apache-2.0": "Apache License", "MIT": "MIT License", "Proprietary": "Copyright (c) the authors of"}
    assert texts["LICENSE"].strip().startswith(first_line[answers["licence"]])
    assert all(text.endswith("\n") and not text.endswith("\n\n") for text in texts.values())


def test_the_apache_licence_is_the_whole_text(bake: Bake) -> None:
    assert (ROOT / "LICENSE").read_text() == (bake(licence="Apache-2.0") / "LICENSE").read_text()


def test_the_command_pytest_cookies_and_cruft_give_the_same_git_tree(
    bake: Bake, cli: Cli, template_in_git: Path, tmp_path: Path
) -> None:
    """One template behind each door. cruft adds only its own link file."""
    answers = {"project_name": "Erwachsene: # 1", "project_slug": "adults", "licence": "MIT"}
    assert 0 == cli(*(f"{name}={value}" for name, value in answers.items())).returncode
    assert (
        0
        == cli(
            *(f"{name}={value}" for name, value in {**answers, "project_slug": "git-adults"}.items()),
            source=template_in_git,
        ).returncode
    )
    cruft.create(str(template_in_git), tmp_path, extra_context=answers, no_input=True, default_config=True)
    (tmp_path / "adults" / ".cruft.json").unlink()
    doors = [tmp_path / "out" / "adults", bake(**answers), tmp_path / "adults"]
    ids = {tree_id(folder, tmp_path / f"git-{number}") for number, folder in enumerate(doors)}
    assert 1 == len(ids)


def test_a_zip_of_the_template_gives_the_same_files(
    bake: Bake, cli: Cli, template_in_git: Path, tmp_path: Path
) -> None:
    """Cookiecutter takes zips too; nothing in the tree may depend on an executable bit, which zips lose."""
    git(template_in_git, "archive", "--prefix=template/", "-o", str(tmp_path / "template.zip"), "HEAD")
    assert 0 == cli(source=tmp_path / "template.zip").returncode
    folders = [tmp_path / "out" / "adult-income", bake()]
    assert 1 == len({tree_id(folder, tmp_path / f"git-{number}") for number, folder in enumerate(folders)})


def test_a_folder_with_a_blank_in_its_name_is_fine(template: Path, cli: Cli, tmp_path: Path) -> None:
    spaced = tmp_path / "my templates" / "autopilot template"
    shutil.copytree(template, spaced)
    assert 0 == cli(source=spaced).returncode
    assert TREE.read_text().splitlines() == files_under(tmp_path / "out" / "adult-income")


def test_refusals_are_the_same_behind_cruft(
    template_in_git: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """cruft runs the hooks as well, without telling them what was typed before evaluation."""
    with pytest.raises(Exception, match="Hook script failed"):
        cruft.create(str(template_in_git), tmp_path / "out", extra_context={"project_slug": "../evil"}, no_input=True)
    assert "project_slug: got '../evil'; must be 1 to 32" in capfd.readouterr().err
    assert not (tmp_path / "evil").exists()


def test_no_file_names_this_machine_or_an_index() -> None:
    """Pins are portable: no host of a registry, no path of the machine that resolved them."""
    pins = [*ROOT.glob("constraints/*"), *TEMPLATE.glob("constraints/*")]
    assert [] == [path.name for path in pins if re.search(r"://|/opt/|/tmp/|/root/|/home/", path.read_text())]


@pytest.mark.parametrize("name", ["build", "deploy", "rehearsal", "dev", "uv"])
def test_every_pin_has_a_hash(name: str) -> None:
    lines = (TEMPLATE / "constraints" / f"{name}.txt").read_text().replace("\\\n", " ").splitlines()
    assert [] == [line for line in lines if not re.match(r"[a-z0-9-]+==\S+.*--hash=sha256:[0-9a-f]{64}", line)]
