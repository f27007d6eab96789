"""Step 4: the default engine, AutoGluon, through the same job."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sagemaker_rehearsal.autopilot.__main__ import main
from sagemaker_rehearsal.serving.container import Container
from tests.autopilot.conftest import arguments, write_channels


@pytest.mark.rehearsal
@pytest.mark.parametrize("problem_type", ["BinaryClassification", "MulticlassClassification", "Regression"])
def test_autogluon_fits_ensembles_and_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem_type: str
) -> None:
    """An ensemble or its best member is chosen, and the saved model answers a row with gaps and an unseen text."""
    monkeypatch.setenv("REHEARSAL_AUTOML_ENGINE", "autogluon")
    write_channels(tmp_path, problem_type, 400)
    limit = {"CompletionCriteria": {"MaxAutoMLJobRuntimeInSeconds": 120}}
    assert main(arguments(tmp_path, problem_type, AutoMLJobConfig=limit)) == 0
    candidates = json.loads((tmp_path / "output" / "candidates.json").read_text())
    assert len(candidates) == 5
    [listed] = candidates[0]["InferenceContainers"]
    container = Container.load(tmp_path / "output", listed["Environment"])
    assert container.card.title.startswith("AutoGluon 1.6")
    response = container.invoke(b"70,,astronaut\n70,,\n", "text/csv")
    assert (response.status, len(response.body.splitlines())) == (200, 2)
    if problem_type != "Regression":
        assert set(response.body.decode().split()) <= set(container.card.classes)
