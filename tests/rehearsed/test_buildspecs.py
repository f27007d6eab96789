"""Steps 4, 6 and 8: the generated repository's buildspecs are valid for CodeBuild."""

from __future__ import annotations

import pytest

from sagemaker_rehearsal.codebuild import buildspec
from tests.conftest import Bake


@pytest.mark.parametrize("name", ["build", "prepare", "check"])
def test_the_repository_s_own_buildspecs_are_read(bake: Bake, name: str) -> None:
    spec = buildspec.read(bake() / "buildspecs" / f"{name}.yml")
    assert [phase.name for phase in spec.phases][:2] == ["install", "build"]
