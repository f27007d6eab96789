"""Step 8: send rows to the endpoint; retry while it is throttled or starting; halve a batch to find a refused row."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from deploy.rows import MAX_BODY_BYTES, Answer, Row, batches, read_answers

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
WORTH_RETRYING = {"ThrottlingException", "ModelNotReadyException", "ServiceUnavailable"}
WORTH_RETRYING |= {"InternalFailure", "InternalDependencyException"}
ATTEMPTS = 7  # waits of .25, .5, 1, 2, 4, 8 s: together longer than a usual cold start
MAX_REFUSED_CALLS = 300
# https://docs.aws.amazon.com/sagemaker/latest/dg/autopilot-automate-model-development-container-output.html
INFERENCE_OUTPUT = "SAGEMAKER_INFERENCE_OUTPUT of the model decides; register it by this project's training pipeline"


class Refused(Exception):  # noqa: N818 (never leaves this module)
    """The endpoint refuses this body; a retry would not help."""


class Unavailable(Exception):  # noqa: N818 (never leaves this module)
    """The endpoint does not answer at the moment; other rows would not help."""


@dataclass
class Endpoint:
    """One endpoint, with counts of throttled and refused calls."""

    runtime: Any  # a boto3 SageMaker runtime client without retries of its own
    name: str
    classifies: bool = True  # whether answers must hold probabilities
    sleep: Callable[[float], None] = time.sleep  # waits so many seconds
    clock: Callable[[], float] = time.perf_counter  # a clock in seconds
    throttled: int = 0  # how many calls were throttled and tried again
    refused: int = 0  # how many bodies were refused

    def invoke(self, rows: Sequence[Row]) -> tuple[list[Answer], float]:
        """Send rows in one request; return the answers and the milliseconds of the call that succeeded.

        Raises:
            Refused: the body is over the limit, the container or the service refused it, or the answer makes no sense.
            Unavailable: throttled or not ready at every attempt.
        """
        body = "".join(row.line() for row in rows).encode()
        if len(body) > MAX_BODY_BYTES:
            raise Refused(f"is {len(body)} bytes; a serverless endpoint takes at most {MAX_BODY_BYTES}")
        text, milliseconds = self._send(body)
        try:
            answers = read_answers(text)
        except ValueError as error:
            raise Refused(f"the answer cannot be read: {error}") from error
        if len(answers) != len(rows):
            raise Refused(f"{len(answers)} answers to {len(rows)} rows")
        if any(bool(answer.classes) != self.classifies for answer in answers):
            raise Refused(f"the answer {'lacks' if self.classifies else 'has'} probabilities; {INFERENCE_OUTPUT}")
        return answers, milliseconds

    def _send(self, body: bytes) -> tuple[str, float]:
        reason = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                self.sleep(0.25 * 2 ** (attempt - 1))
            started = self.clock()
            try:
                answer = self.runtime.invoke_endpoint(
                    EndpointName=self.name, Body=body, ContentType="text/csv", Accept="text/csv"
                )
                text = answer["Body"].read().decode("utf-8", errors="replace")
                return text, 1000 * (self.clock() - started)
            except ClientError as error:
                reason = self._reason(error)
            except (ConnectionError, HTTPClientError) as error:
                reason = str(error)
        raise Unavailable(f"no answer after {ATTEMPTS} attempts: {reason}")

    def _reason(self, error: ClientError) -> str:
        code = error.response["Error"]["Code"]
        details = error.response.get("OriginalMessage") or error.response["Error"].get("Message", "")
        reason = f"{code}: {details}"[:500]
        if code not in WORTH_RETRYING:
            raise Refused(reason) from error
        self.throttled += code == "ThrottlingException"
        return reason


def ask_all(endpoint: Endpoint, rows: Sequence[Row]) -> dict[int, Answer | str]:
    """Send every row in batches; return each row's answer, or the reason why it has none, by row number."""
    answers: dict[int, Answer | str] = {}
    for batch in batches(rows):
        try:
            answers.update(_ask(endpoint, batch))
        except Unavailable as error:
            answers.update({row.number: str(error) for row in rows if row.number not in answers})
            break
    return answers


def _ask(endpoint: Endpoint, rows: Sequence[Row]) -> Iterator[tuple[int, Answer | str]]:
    """Send one batch; where it is refused, halve it until the refused rows stand alone."""
    if endpoint.refused >= MAX_REFUSED_CALLS:
        yield from ((row.number, f"not asked: {endpoint.refused} calls were refused before") for row in rows)
        return
    try:
        answers, _ = endpoint.invoke(rows)
        yield from ((row.number, answer) for row, answer in zip(rows, answers, strict=True))
    except Refused as error:
        endpoint.refused += 1
        if len(rows) == 1:
            yield rows[0].number, str(error)
            return
        half = len(rows) // 2
        yield from _ask(endpoint, rows[:half])
        yield from _ask(endpoint, rows[half:])


def time_calls(endpoint: Endpoint, rows: Sequence[Row]) -> list[float]:
    """Return the milliseconds of one call a row, without refused rows, up to the first call without an answer."""
    measured = []
    for row in rows:
        try:
            measured.append(endpoint.invoke([row])[1])
        except Refused:
            continue
        except Unavailable:
            break
    return measured
