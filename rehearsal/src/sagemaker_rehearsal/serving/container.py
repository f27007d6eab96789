"""Step 7: Autopilot's inference container: a loaded model that answers CSV and JSON.

https://docs.aws.amazon.com/sagemaker/latest/dg/autopilot-automate-model-development-container-output.html
"""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sagemaker_rehearsal.autopilot.archive import unpack
from sagemaker_rehearsal.autopilot.engine import CARD, Model, ModelCard, load
from sagemaker_rehearsal.autopilot.metrics import REGRESSION, AutoMLError, Prediction
from sagemaker_rehearsal.serving import media, payload
from sagemaker_rehearsal.serving.limits import ServingError

OUTPUT, SUPPORTED = "SAGEMAKER_INFERENCE_OUTPUT", "SAGEMAKER_INFERENCE_SUPPORTED"
KEYS = ("predicted_label", "probability", "probabilities", "labels")
PROGRAM, SUBMIT_DIRECTORY = "SAGEMAKER_PROGRAM", "SAGEMAKER_SUBMIT_DIRECTORY"
MODEL_NAME, DEFAULT_ACCEPT = "MODEL_NAME", "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT"
MODEL_ROOT = "/opt/ml/model"
REMEDY = "pass BestCandidate.InferenceContainers[0].Environment on to the model"


@dataclass(frozen=True)
class Response:
    """An answer to an invocation."""

    status: int
    content_type: str
    body: bytes


class Container:
    """A model and the keys that it answers with; `invoke` may be called from many threads."""

    def __init__(self, model: Model, card: ModelCard, keys: Sequence[str], default_accept: str = media.JSON) -> None:
        self.card = card
        self._model, self._keys, self._default_accept = model, tuple(keys), default_accept
        self._one_at_a_time = threading.Lock()  # a predictor is not made for threads; rows queue as in one worker

    @classmethod
    def load(cls, model_dir: Path, environment: Mapping[str, str]) -> Container:
        """Load a model from the folder it was unpacked in, or from (a folder with) its model.tar.gz.

        Raises:
            ServingError: there is no model, the environment leads to no script or to another model, or it asks for
                keys that the model cannot give.
        """
        try:
            with tempfile.TemporaryDirectory() as scratch:
                folder = _unpacked(model_dir, Path(scratch))
                require_script(environment, folder)
                model, card = load(folder)
        except AutoMLError as error:
            raise ServingError(str(error)) from error
        name = environment.get(MODEL_NAME)
        if name != card.name:
            raise ServingError(f"{MODEL_NAME}: got {name!r}; the artifact holds the model {card.name!r}; {REMEDY}")
        accept = environment.get(DEFAULT_ACCEPT) or media.JSON
        return cls(model, card, output_keys(environment, card.problem_type), accept)

    def invoke(self, body: bytes, content_type: str, accept: str = "", first_row: int = 1) -> Response:
        """Answer one request as the container's /invocations does; it never raises for what a client sent.

        Args:
            body: one or more rows.
            content_type: text/csv (no header) or application/json.
            accept: the media type wanted; empty or */* for SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT, and where that is
                not set, JSON.
            first_row: what errors call the first row (a batch counts on over its requests).
        """
        try:
            kind = media.request_type(content_type)
            media_type = media.response_type(accept, self._default_accept)
            text = payload.decode(body)
            rows = payload.csv_cells(text) if kind == media.CSV else payload.json_cells(text)
            table = payload.table(rows, self.card.columns, first_row)
        except ServingError as error:
            return refusal(error)
        with self._one_at_a_time:
            answer = self._model.predict(table)
        return Response(200, media_type, payload.render(answers(answer, self._keys), media_type))


def require_script(environment: Mapping[str, str], folder: Path) -> None:
    """Require that the environment leads to a script of the model, as the container looks for it.

    The script is SAGEMAKER_PROGRAM in SAGEMAKER_SUBMIT_DIRECTORY; a container that finds none falls back to a handler
    that has no model_fn, and never answers a ping (github.com/aws/sagemaker-inference-toolkit, transformer.py).

    Raises:
        ServingError: a variable is missing, or there is no such script.
    """
    for name in (PROGRAM, SUBMIT_DIRECTORY):
        if not environment.get(name):
            raise ServingError(
                f"{name}: is missing; without it the container does not find Autopilot's script; {REMEDY}"
            )
    script = f"{environment[SUBMIT_DIRECTORY]}/{environment[PROGRAM].removesuffix('.py')}.py"
    path = folder / script.removeprefix(f"{MODEL_ROOT}/")
    if not script.startswith(f"{MODEL_ROOT}/") or not path.is_file():
        raise ServingError(f"{PROGRAM}: the artifact has no {script}; {REMEDY}")


def refusal(error: ServingError) -> Response:
    """Put an error into the form of a response."""
    return Response(error.status, media.JSON, json.dumps({"message": str(error)}).encode())


def output_keys(environment: Mapping[str, str], problem_type: str) -> tuple[str, ...]:
    """Read which keys an answer has, in order, from the container's environment.

    Raises:
        ServingError: a key that is unknown, unsupported or twice there.
    """
    offered = KEYS[:1] if problem_type == REGRESSION else KEYS
    supported = _listed(environment, SUPPORTED, offered)
    keys = _listed(environment, OUTPUT, KEYS[:1])
    for key in keys:
        if key not in offered or key not in supported or keys.count(key) > 1:
            raise ServingError(
                f"{OUTPUT}: got {key!r}; a {problem_type} model answers {', '.join(offered)}, each once and listed in "
                f"{SUPPORTED}; correct the model's environment"
            )
    return keys


def _listed(environment: Mapping[str, str], name: str, default: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(key.strip() for key in environment.get(name, "").split(",") if key.strip()) or default


def answers(prediction: Prediction, keys: Sequence[str]) -> list[dict[str, Any]]:
    """Turn predictions into one mapping a row, with `keys` in order; probability is that of the predicted label."""
    if prediction.probabilities is None:
        return (
            [{"predicted_label": value} for value in prediction.values.tolist()]
            if prediction.values is not None
            else []
        )
    labels = list(prediction.classes)
    return [
        {key: _value(key, label, shares, labels) for key in keys}
        for label, shares in zip(prediction.labels, prediction.probabilities.tolist(), strict=True)
    ]


def _value(key: str, label: str, shares: list[float], labels: list[str]) -> object:
    if key == "predicted_label":
        return label
    if key == "probability":
        return max(shares)
    return shares if key == "probabilities" else labels


def _unpacked(model: Path, scratch: Path) -> Path:
    if (model / CARD).is_file():
        return model
    archive = model / "model.tar.gz" if model.is_dir() else model
    if not archive.is_file():
        raise ServingError(f"--model {model}: there is no {CARD} and no model.tar.gz; give an AutoML job's output")
    unpack(archive, scratch)
    return scratch
