"""The commands of the rehearsal, as processes: what is up, two side by side, one that was killed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from sagemaker_rehearsal.cli import main
from sagemaker_rehearsal.scenario import status, unused_grants
from sagemaker_rehearsal.scenario.personas import People
from sagemaker_rehearsal.server.errors import RehearsalError

COMMAND = (sys.executable, "-m", "sagemaker_rehearsal")


@contextmanager
def up(folder: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """Start an AWS; return its process and the variables that it prints."""
    command = [*COMMAND, "up", "--data", "synthetic", "--work", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        lines = []
        for line in process.stdout or ():
            lines.append(line.strip())
            if line.startswith(("until", "error")):
                break
        exports = [line.removeprefix("export ").partition("=") for line in lines if line.startswith("export ")]
        try:
            yield process, {name: value.strip("'") for name, _, value in exports}
        finally:
            process.terminate()


def buckets(exports: dict[str, str]) -> list[str]:
    s3 = boto3.client(
        "s3",
        endpoint_url=exports["AWS_ENDPOINT_URL"],
        region_name=exports["AWS_DEFAULT_REGION"],
        aws_access_key_id=exports["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
    )
    s3.create_bucket(Bucket=f"of-{exports['AWS_ENDPOINT_URL'].rpartition(':')[2]}")
    return [one["Name"] for one in s3.list_buckets()["Buckets"]]


def test_two_run_side_by_side_and_know_nothing_of_each_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with up(tmp_path / "one") as (_, one), up(tmp_path / "other") as (_, other):
        assert (len(buckets(one)), len(buckets(other))) == (1, 1)
        assert {name for name in one if name.startswith("GIT_CONFIG")} != set()
        assert one["AWS_ACCESS_KEY_ID"] != other["AWS_ACCESS_KEY_ID"]
        with pytest.raises(ClientError, match="InvalidAccessKeyId"):
            buckets({**one, "AWS_ENDPOINT_URL": other["AWS_ENDPOINT_URL"]})
        assert (tmp_path / "one" / "cloud.json").stat().st_mode & 0o777 == 0o600
        assert sorted(path.name for path in (tmp_path / "one").glob("cloud.json*")) == ["cloud.json"]
        assert main(["status", "--work", str(tmp_path / "one")]) == 0
        assert one["AWS_ENDPOINT_URL"] in capsys.readouterr().out
        assert main(["status", "--json", "--work", str(tmp_path / "one")]) == 0
        (resource,) = json.loads(capsys.readouterr().out)
        assert resource == {"kind": "aws", "name": one["AWS_ENDPOINT_URL"], "status": "up, region us-east-1"}
        assert main(["env", "--json", "--work", str(tmp_path / "other")]) == 0
        assert json.loads(capsys.readouterr().out) == other
        assert main(["up", "--work", str(tmp_path / "one")]) == 1
        assert "another rehearsal is at work in" in capsys.readouterr().err
        assert main(["approve", "--work", str(tmp_path / "one")]) == 1
        assert "nothing waits for an approval" in capsys.readouterr().err
        assert main(["down", "--work", str(tmp_path / "one")]) == 0
    assert main(["status", "--work", str(tmp_path / "one")]) == 1
    assert "no AWS is up here; start one with" in capsys.readouterr().err


def test_the_shell_completes_commands_and_choices() -> None:
    environment = {**os.environ, "_REHEARSE_COMPLETE": "bash_complete", "COMP_WORDS": "rehearse r", "COMP_CWORD": "1"}
    for words, number, expected in (("rehearse r", "1", ["reject", "run"]), ("rehearse run --route s", "3", ["s3"])):
        chosen = {**environment, "COMP_WORDS": words, "COMP_CWORD": number}
        done = subprocess.run(COMMAND, env=chosen, capture_output=True, text=True, check=False)
        completions = [line.partition(",")[2] for line in done.stdout.splitlines()]
        assert [word for word in expected if word in completions] == expected


def test_each_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("run", "up", "down", "status", "logs", "approve", "reject", "invoke", "env"):
        assert main([command, "--help"]) == 0
        assert f"Usage: rehearse {command} [OPTIONS]" in capsys.readouterr().out
    assert main(["--help"]) == 0
    assert "Exit codes: 0 done, 1 a step failed, 2 wrong input" in capsys.readouterr().out
    assert main(["run", "--route", "other"]) == 2


def test_a_port_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for port in ("99999", "-1"):
        assert main(["up", "--port", port, "--work", str(tmp_path)]) == 2
        assert f"{port} is not in the range 0<=x<=65535" in capsys.readouterr().err


def test_another_folder_is_no_place_to_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run"]) == 2
    assert "is neither a clone of the template nor a repository rendered from it" in capsys.readouterr().err


def test_what_was_killed_is_discarded(tmp_path: Path) -> None:
    with up(tmp_path) as (process, exports):
        assert len(buckets(exports)) == 1
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    with up(tmp_path) as (_, exports):
        assert len(buckets(exports)) == 1  # the new one's


def test_data_that_is_not_there_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["up", "--data", "absent.csv", "--work", str(tmp_path)]) == 2
    assert "absent.csv: does not exist; give a CSV" in capsys.readouterr().err


def test_logs_are_listed_and_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "cloud" / "logs" / "codebuild" / "x-check" / "1.log"
    log.parent.mkdir(parents=True)
    log.write_text("staging is good\n", encoding="utf-8")
    assert main(["logs", "--work", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "== cloud/logs/codebuild/x-check/1.log\n"
    assert main(["logs", "check", "--work", str(tmp_path)]) == 0
    assert "staging is good" in capsys.readouterr().out
    assert main(["logs", "nothing", "--work", str(tmp_path)]) == 1
    assert "no log's path holds 'nothing'" in capsys.readouterr().err


def test_a_grant_that_nothing_explains_is_told() -> None:
    unused = {"sagemaker-a-p-1-serve": [{"policy": "serve", "statement": "Model", "action": "kms:Decrypt"}]}
    found = {"calls": 1, "denied": [], "unused": unused_grants.explained(unused)}
    assert list(status.permission_lines(found))[1:] == [
        "  unused permission: sagemaker-a-p-1-serve: kms:Decrypt (Model)"
    ]


def test_an_endpoint_has_to_be_named_where_there_is_not_one() -> None:
    class Nobody(People):
        def ops(self, service: str) -> "Nobody":
            return self

        def get_paginator(self, operation: str) -> "Nobody":
            assert operation == "list_endpoints"
            return self

        def paginate(self) -> list[dict[str, list[str]]]:
            return [{"Endpoints": []}]

    with pytest.raises(RehearsalError, match=r"--endpoint: name one of none, for there is no endpoint"):
        status.invoke(Nobody("", ""), None, b"")
