"""Step 3: one template, four doors: the hook's tree is the one of the command, of cruft and of pytest-cookies."""

from __future__ import annotations

import itertools
import json
import math
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import cruft
import pytest
from click.testing import CliRunner
from cookiecutter.cli import main as cookiecutter
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_cookies.plugin import Cookies

from catalog.hook.answers import checked
from catalog.hook.artifact import File, Files
from catalog.hook.errors import RenderError
from catalog.hook.tree import Tree, read, render, write
from tests.catalog.hook.conftest import FOLDER
from tests.tree import ROOT, tree_id

QUESTIONS = json.loads((ROOT / "cookiecutter.json").read_text())
CHOICES = {name: value for name, value in QUESTIONS.items() if isinstance(value, list) and not name.startswith("_")}
MATRIX = [dict(zip(CHOICES, row, strict=True)) for row in itertools.product(*CHOICES.values())]
PARTS = 13  # so that no test takes a second; prime to the numbers of choices, so that each part has all kinds
# Each choice of each question at least once.
ROWS = [
    {name: values[number % len(values)] for name, values in CHOICES.items()}
    for number in range(max(map(len, CHOICES.values())))
]
FREE = {
    "project_name": 'Größe: 10 % "#1" \\',
    "project_slug": "adults",
    "target_column": "in'come",
    "default_branch": "dev",
}
Cli = Callable[..., subprocess.CompletedProcess[str]]


def by_hook(product: Files, answers: dict[str, str]) -> str:
    """Return the id of the tree that the hook would commit."""
    full = {"default_branch": "main", "git_provider": "codecommit", **answers}
    return render(product, QUESTIONS, checked(QUESTIONS, full, full["default_branch"], full["git_provider"])).id


def by_git(folder: Path, tmp_path: Path) -> str:
    """Return the id of the tree that the real Git makes of a folder."""
    return tree_id(folder, tmp_path / f"git-{len(list(tmp_path.iterdir()))}")


@pytest.fixture(scope="session")
def published(product: Files, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the published template as a folder: what Git tracks, and nothing that lies about."""
    folder = tmp_path_factory.mktemp("published") / "template"
    write(product, folder)
    return folder


def in_git(folder: Path) -> Path:
    """Make a repository of a folder, as cruft wants it."""
    for command in (["init", "-q"], ["add", "-A"], ["-c", "user.name=T", "-c", "user.email=t@t", "commit", "-qm", "x"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="session")
def gist(product: Files, tmp_path_factory: pytest.TempPathFactory) -> tuple[Files, Path]:
    """Return the template with every file that an answer can change and one that it cannot, but without its hooks.

    They write nothing, and cost ten times as much as all the rest; the tests of the whole template run them.
    """
    changing = [path for path, file in product.items() if path.startswith(FOLDER) and b"cookiecutter." in file.data]
    files = {path: product[path] for path in ["cookiecutter.json", f"{FOLDER}/Makefile", *changing]}
    folder = tmp_path_factory.mktemp("gist") / "template"
    write(files, folder)
    return files, in_git(folder)


@pytest.mark.parametrize("answers", ROWS, ids=lambda row: "-".join(row.values()))
def test_the_hook_and_pytest_cookies_give_the_same_git_tree(
    product: Files, published: Path, cookies: Cookies, tmp_path: Path, answers: dict[str, str]
) -> None:
    """The whole template, with each choice of each question."""
    baked = cookies.bake(extra_context={**FREE, **answers}, template=str(published)).project_path
    assert baked is not None
    assert by_git(Path(baked), tmp_path) == by_hook(product, {**FREE, **answers})


@pytest.mark.parametrize("part", range(PARTS))
def test_all_four_doors_agree_over_the_whole_option_matrix(
    gist: tuple[Files, Path], cookies: Cookies, tmp_path: Path, part: int
) -> None:
    """Every combination of every choice; the command runs in this process. cruft adds only its own link file."""
    files, template = gist
    for number, row in enumerate(MATRIX[part::PARTS]):
        answers, out = {**FREE, **row}, tmp_path / str(number)
        typed = [f"{name}={value}" for name, value in answers.items()]
        options = ["--no-input", "--default-config", "--output-dir", str(out / "cli")]
        assert 0 == CliRunner().invoke(cookiecutter, [*options, str(template), *typed]).exit_code
        (out / "cruft").mkdir()
        cruft.create(str(template), out / "cruft", extra_context=answers, no_input=True, default_config=True)
        (out / "cruft" / "adults" / ".cruft.json").unlink()
        baked = cookies.bake(extra_context=answers, template=str(template)).project_path
        assert baked is not None
        trees = [Tree(dict(read(folder))).id for folder in (out / "cli" / "adults", out / "cruft" / "adults", baked)]
        assert trees == [by_hook(files, answers)] * 3, row


def test_the_matrix_holds_every_combination_once() -> None:
    """None is left out where the matrix is cut into parts; and each row of the short list is in it."""
    cut = [tuple(row.values()) for part in range(PARTS) for row in MATRIX[part::PARTS]]
    assert sorted(cut) == sorted(itertools.product(*CHOICES.values()))
    assert len(set(cut)) == len(cut) == math.prod(map(len, CHOICES.values()))
    assert {(name, value) for row in ROWS for name, value in row.items()} == {
        (name, value) for name, values in CHOICES.items() for value in values
    }


@pytest.mark.parametrize("answers", [{}, {**FREE, "licence": "MIT"}], ids=["defaults", "given"])
def test_the_hook_and_the_command_give_the_same_git_tree(
    product: Files, published: Path, cli: Cli, tmp_path: Path, answers: dict[str, str]
) -> None:
    """The whole template, by a process of its own."""
    assert 0 == cli(*(f"{name}={value}" for name, value in answers.items()), source=published).returncode
    folder = tmp_path / "out" / answers.get("project_slug", "adult-income")
    assert by_git(folder, tmp_path) == by_hook(product, answers)


@pytest.mark.parametrize("answers", [{}, {**FREE, "licence": "MIT"}], ids=["defaults", "given"])
def test_the_hook_and_cruft_give_the_same_git_tree(
    product: Files, published: Path, tmp_path: Path, answers: dict[str, str]
) -> None:
    """The whole template; cruft adds only its own link file."""
    source, out = in_git(shutil.copytree(published, tmp_path / "source")), tmp_path / "out"
    out.mkdir()
    cruft.create(str(source), out, extra_context=answers, no_input=True, default_config=True)
    folder = out / answers.get("project_slug", "adult-income")
    (folder / ".cruft.json").unlink()
    assert by_git(folder, tmp_path) == by_hook(product, answers)


names = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters='/\\:*?"<>|'), min_size=1, max_size=6)
paths = st.lists(
    names.filter(lambda name: name.strip(". ").casefold() not in ("", "git~1", "git")), min_size=1, max_size=4
)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.dictionaries(paths.map("/".join), st.tuples(st.binary(max_size=40), st.booleans()), min_size=1, max_size=8))
def test_the_id_is_the_one_that_git_gives_to_any_tree(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[str, tuple[bytes, bool]]
) -> None:
    """Folders sort as if they ended in a slash; the executable bit counts; empty files do too."""
    taken = {path.casefold().rpartition("/")[0] + "/" for path in tree}
    files = {p: File(*value) for p, value in tree.items() if not any(t.startswith(f"{p.casefold()}/") for t in taken)}
    folder = tmp_path_factory.mktemp("tree")
    try:
        write(files, folder / "work")
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        return  # a path that is also a folder of another one
    assert tree_id(folder / "work", folder / "git") == Tree(dict(read(folder / "work"))).id


def test_the_empty_tree_has_the_id_that_git_knows() -> None:
    assert "4b825dc642cb6eb9a060e54bf8d69288fbee4904" == Tree({}).id


def test_no_file_of_the_template_is_empty(product: Files) -> None:
    """CodeCommit's API refuses empty files, so that a repository could not be seeded."""
    assert [] == [path for path, file in product.items() if not file.data]


def test_hooks_of_a_template_do_not_run(tmp_path: Path) -> None:
    """The function checks by its own code; a hook in the zip is never executed."""
    proof = tmp_path / "ran"
    files = {
        "cookiecutter.json": File(b'{"project_slug": "adult"}'),
        "hooks/pre_gen_project.py": File(f"open({str(proof)!r}, 'w')".encode()),
        "hooks/post_gen_project.sh": File(f"touch {proof}".encode(), executable=True),
        f"{FOLDER}/a": File(b"a"),
    }
    assert ["a"] == list(render(files, {"project_slug": "adult"}, {}).files)
    assert not proof.exists()


@pytest.mark.parametrize("text", [b"{{ cookiecutter.nothing }}", b"{% if %}", b"\xff\xfe{{"])
def test_a_template_that_cannot_be_rendered_says_so_without_paths_of_the_function(text: bytes) -> None:
    files = {"cookiecutter.json": File(b'{"project_slug": "adult"}'), f"{FOLDER}/a": File(text + b"\n" * 9)}
    with pytest.raises(RenderError, match="cannot be rendered") as caught:
        render(files, {"project_slug": "adult"}, {})
    assert "seed-" not in str(caught.value)
