"""Step 3: CloudFormation is answered exactly once, in time, briefly, and with a sentence."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from catalog.hook.errors import CallbackError
from catalog.hook.handler import MARGIN, World, answer, put, respond
from catalog.hook.request import Reply
from tests.catalog.fakes.world import NAME, STACK, URL, Lambda, Outside


@pytest.mark.parametrize(
    ("physical", "properties"),
    [
        (f"codecommit:{NAME}", {}),
        ("2026/11/24/[$LATEST]abc", {}),
        ("seed:not-created", {"RepositoryName": "../x", "Answers": None}),
        (f"codecommit:{NAME}", {"RepositoryName": "gone"}),
    ],
    ids=["a seeded one", "CloudFormation's own id", "a Create that failed", "a repository that is gone"],
)
def test_delete_succeeds_and_touches_nothing(outside: Outside, physical: str, properties: dict[str, Any]) -> None:
    """Not even a look: the repository's fate is its DeletionPolicy's."""
    event = outside.event("Delete", **properties) | {"PhysicalResourceId": physical}
    sent = outside.invoke(event)
    assert ("SUCCESS", physical) == (sent["Status"], sent["PhysicalResourceId"])
    assert [] == outside.calls.made


def test_delete_keeps_the_commits_of_the_team(outside: Outside) -> None:
    outside.invoke(outside.event())
    mine = outside.codecommit.user_commit("main", a=b"1")
    outside.invoke(outside.event("Delete"))
    assert mine == outside.codecommit.branches["main"]


def test_the_answer_has_the_documented_fields(outside: Outside) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html"""
    sent = outside.invoke(outside.event("Delete"))
    assert {
        "Status": "SUCCESS",
        "Reason": "nothing to do: the repository belongs to its stack and to its team",
        "PhysicalResourceId": f"codecommit:{NAME}",
        "StackId": STACK,
        "RequestId": "req-0001",
        "LogicalResourceId": "Seed",
        "Data": {"Summary": "nothing to do: the repository belongs to its stack and to its team"},
    } == sent


@pytest.mark.parametrize("reason", ["x" * 10_000, "\u202e" * 10_000, '"\\' * 5_000])
def test_a_long_reason_is_shortened_to_4096_bytes(reason: str) -> None:
    body = answer(Reply(URL, STACK, "r" * 128, "Seed", "p" * 1024), "FAILED", reason, {})
    assert len(body) <= 4096
    assert json.loads(body)["Reason"].endswith("... (shortened)")


def test_the_answer_is_sent_three_times_at_most(outside: Outside) -> None:
    outside.statuses = [503, 500, 200]
    assert "SUCCESS" == outside.invoke(outside.event("Delete"))["Status"]
    assert [0.25, 0.5] == outside.slept


def test_an_answer_that_cannot_be_sent_ends_the_invocation_so_that_lambda_repeats_it(
    outside: Outside, capsys: pytest.CaptureFixture[str]
) -> None:
    """The commit was made; the repetition finds it, and there is still one commit and one event."""
    outside.statuses = [503, 503, 403]
    with pytest.raises(CallbackError, match=r"3 attempts \(status 403\)") as caught:
        respond(outside.event(), Lambda(), outside.world())
    assert "Signature" not in str(caught.value) + capsys.readouterr().out
    assert "SUCCESS" == outside.invoke(outside.event())["Status"]
    assert 1 == len(outside.codecommit.commits)
    assert 1 == [event[1] for event in outside.codecommit.events].count("main")


def test_about_to_time_out_it_stops_before_the_next_call_and_says_so(outside: Outside) -> None:
    """Each look at the clock takes 4 s; after some calls no time is left for another."""
    sent = outside.invoke(outside.event(), Lambda(milliseconds=18_000, per_look=4_000))
    assert "FAILED" == sent["Status"]
    assert "the function ran out of time; retry: what was done so far is taken up again" == sent["Reason"]
    assert "main" not in outside.codecommit.branches


def test_stuck_in_a_call_it_answers_from_the_timer_and_does_not_go_on(outside: Outside) -> None:
    """A call that hangs past the margin: one FAILED, in time; what the call returns later is not followed up."""
    release = threading.Event()

    def hang(operation: str) -> None:
        if operation == "GetRepository":
            release.wait(5)

    outside.calls.on_call = hang
    began = time.monotonic()
    clock = Lambda(milliseconds=(MARGIN + 0.3) * 1000)
    worker = threading.Thread(target=respond, args=[outside.event(), clock, outside.world()])
    worker.start()
    while not outside.sent and time.monotonic() - began < 4:
        time.sleep(0.02)
    answered = time.monotonic() - began
    release.set()
    worker.join()
    assert ["FAILED"] == [sent["Status"] for sent in outside.sent]
    assert "ran out of time" in outside.sent[0]["Reason"]
    assert answered < 2
    assert {} == outside.codecommit.branches


def test_an_answer_that_the_timer_could_not_send_is_tried_again_by_the_stuck_call(outside: Outside) -> None:
    """Else the invocation would count as a success, nobody would repeat it, and the stack would hang."""
    outside.statuses = [503, 503, 503]
    tried = threading.Event()

    def hang(operation: str) -> None:
        if operation == "GetRepository":
            tried.wait(5)

    def sleep(seconds: float) -> None:
        if len(outside.statuses) == 1:
            threading.Timer(0.05, tried.set).start()

    outside.calls.on_call = hang
    world = outside.world()
    world = type(world)(world.client, world.send, world.environment, sleep)
    respond(outside.event(), Lambda(milliseconds=(MARGIN + 0.2) * 1000), world)
    assert ["FAILED"] == [sent["Status"] for sent in outside.sent]
    assert {} == outside.codecommit.branches


def test_a_defect_of_the_hook_is_answered_too(outside: Outside, capsys: pytest.CaptureFixture[str]) -> None:
    """With the place in the code, and without the message, which may hold anything."""

    def broken(service: str) -> object:
        raise RuntimeError(f"{service}: hunter2")

    world = World(broken, outside.send, outside.environment, outside.slept.append)
    respond(outside.event(), Lambda(), world)
    assert "the hook has a defect (RuntimeError at" in outside.sent[0]["Reason"]
    assert "hunter2" not in outside.sent[0]["Reason"] + capsys.readouterr().out


def test_the_log_is_one_line_of_json_for_each_event(outside: Outside, capsys: pytest.CaptureFixture[str]) -> None:
    outside.invoke(outside.event())
    assert {
        "level": "INFO",
        "status": "SUCCESS",
        "message": "seeded",
        "stack": STACK,
        "request": "req-0001",
        "resource": "Seed",
    } == json.loads(capsys.readouterr().out)


@pytest.fixture
def listener() -> Iterator[tuple[str, list[tuple[str, str | None, bytes]]]]:
    """Return an HTTP server on this machine that keeps what it is sent, and its address."""
    seen: list[tuple[str, str | None, bytes]] = []

    class Keeper(http.server.BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append((self.path, self.headers["Content-Type"], body))
            self.send_response(307 if "moved" in self.path else 200)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Keeper)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", seen
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_body_is_put_as_the_signature_wants_it(listener: tuple[str, list[object]]) -> None:
    """With an empty content type, and the query as it was given; redirects are not followed."""
    address, seen = listener
    assert [200, 307] == [put(f"{address}/{path}?X-Amz-Signature=a%2Fb", b"{}") for path in ("a", "moved")]
    assert [("/a?X-Amz-Signature=a%2Fb", "", b"{}"), ("/moved?X-Amz-Signature=a%2Fb", "", b"{}")] == seen
