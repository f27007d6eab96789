"""Steps 4 and 6: the paths that train and deploy are the ones that CI reads, and no others."""

from __future__ import annotations

import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from catalog.router.paths import BUILD, DEPLOY, touched
from tests.tree import TEMPLATE, TREE

PATHS = TREE.read_text().splitlines()
SPECS = {"buildspecs/build.yml": BUILD, "buildspecs/prepare.yml": DEPLOY, "buildspecs/check.yml": DEPLOY}
# A README edit must not start a paid job, nor do tests and the rehearsal, which no job of AWS runs.
NEITHER = {
    ".editorconfig",
    ".gitattributes",
    ".gitignore",
    ".pre-commit-config.yaml",
    "LICENSE",
    "Makefile",
    "README.md",
    "constraints/compile.sh",
    "constraints/dev.in",
    "constraints/dev.txt",
    "constraints/install.sh",
    "constraints/overrides-build.txt",
    "constraints/overrides.txt",
    "constraints/rehearsal.in",
    "constraints/rehearsal.txt",
    "constraints/uv.txt",
    "pyproject.toml",
    "tests",
    "wheels",
}


def by_aws(pattern: str) -> str:
    """Return CodePipeline's pattern as a regular expression: `*` stays within a folder, `**` does not.

    https://docs.aws.amazon.com/codepipeline/latest/userguide/syntax-glob.html
    """
    signs = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(signs.get(part, re.escape(part)) for part in re.split(r"(\*\*|\*|\?)", pattern))


def test_every_file_of_the_template_trains_deploys_or_does_neither() -> None:
    """A new file shows here, and somebody decides what a change of it starts."""
    started = {*touched(PATHS, BUILD), *touched(PATHS, DEPLOY)}
    tops = {path if "constraints" in path else path.partition("/")[0] for path in PATHS if path not in started}
    assert tops == NEITHER


@pytest.mark.parametrize("spec", SPECS)
def test_what_a_buildspec_reads_starts_its_pipeline(spec: str) -> None:
    """The buildspec itself, the pins that it installs, the package that it runs."""
    text = (TEMPLATE / spec).read_text()
    commands = [command for phase in yaml.safe_load(text)["phases"].values() for command in phase["commands"]]
    pins = re.findall(r"constraints/\S+\.txt", " ".join(commands))
    packages = {
        f"{name}/x.py" for name in re.findall(r"python -m (\w+) (?:run|prepare|check|link)", " ".join(commands))
    }
    read = {spec, *pins, *packages}
    assert 3 == len(read)
    assert touched(read, SPECS[spec]) == tuple(sorted(read))


def test_a_change_of_training_deploys_nothing_and_of_deploying_trains_nothing() -> None:
    """A new model has to be approved first; a new deployment needs no new model."""
    assert () == touched(touched(PATHS, BUILD), DEPLOY)


@pytest.mark.parametrize(
    "path",
    ["README.md", "docs/settings.yaml", "pipeline.md", "pipelines/x.py", "constraints/build", "a/pipeline/x.py", ""],
)
def test_names_that_only_resemble_start_nothing(path: str) -> None:
    assert () == touched([path], (*BUILD, *DEPLOY))


def test_paths_are_told_once_and_sorted() -> None:
    assert ("flows/a.flow", "settings.yaml") == touched(["settings.yaml", "flows/a.flow", "settings.yaml", "x"], BUILD)


names = st.sampled_from(
    ["pipeline", "flows", "deploy", "constraints", "buildspecs", "build.txt", "build.yml", "deploy.in"]
)
paths = st.lists(st.one_of(names, st.text("abuild./*?[]\n", max_size=6)), min_size=1, max_size=4).map("/".join)


@given(paths, st.sampled_from([*BUILD, *DEPLOY]))
def test_patterns_mean_here_what_they_mean_in_codepipelines_filters(path: str, pattern: str) -> None:
    """For the hosts whose pushes CodePipeline filters itself."""
    assert bool(re.fullmatch(by_aws(pattern), path, re.DOTALL)) == bool(touched([path], [pattern]))


def test_the_patterns_fit_into_one_filter() -> None:
    """https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_GitFilePathFilterCriteria.html"""
    assert len(BUILD) <= 8
    assert all(0 < len(pattern) <= 255 for pattern in BUILD)
