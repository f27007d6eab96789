"""Steps 4, 6 and 8: build and test actions: start a build of a CodeBuild project and wait for it.

https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodeBuild.html
"""

import json
from typing import Any

from sagemaker_rehearsal.codebuild import Handover
from sagemaker_rehearsal.codebuild import of as builds_of
from sagemaker_rehearsal.codepipeline.actions.work import Ended, Failed, Work


def build(work: Work) -> None:
    """Run a build; its exported variables become the action's.

    Raises:
        Failed: when the build did not succeed, with its last error line.
    """
    request = _request(work)
    client = work.client("codebuild")
    started = client.start_build(**request)["build"]
    _link(work, started)
    for _ in work.polls():
        build = client.batch_get_builds(ids=[started["id"]])["builds"][0]
        _link(work, build)
        if build["buildComplete"]:
            return _take_result(work, build)
    raise Ended


def _request(work: Work) -> dict[str, Any]:
    action, configuration = work.run.action, work.configuration
    unsupported = [
        key for key in ("BatchEnabled", "CombineArtifacts") if configuration.get(key, "false").lower() == "true"
    ]
    if unsupported or len(action.outputs) > 1:
        what = unsupported[0] if unsupported else "more than one output artifact"
        raise Failed(f"The rehearsal's build action does not have {what}; see docs/parity.md", "ConfigurationError")
    primary = configuration.get("PrimarySource") or action.inputs[0]
    output = work.location(action.outputs[0]) if action.outputs else None
    # The token's first part becomes the build's initiator, which AWS shows as codepipeline/NAME
    token = f"codepipeline/{work.passage.pipeline.name}@{work.run.id}"
    builds_of(work.cloud).expect(
        token, Handover(dict(work.run.inputs), primary, output, work.passage.taken.get(primary, ""))
    )
    request = {"projectName": configuration["ProjectName"], "idempotencyToken": token}
    variables = _variables(configuration.get("EnvironmentVariables", "[]"))
    return {**request, **({"environmentVariablesOverride": variables} if variables else {})}


def _variables(text: str) -> list[dict[str, str]]:
    try:
        return [{"type": "PLAINTEXT", **variable} for variable in json.loads(text)]
    except (ValueError, TypeError) as error:
        message = f"EnvironmentVariables is no JSON list of objects with name, value and type: {error}"
        raise Failed(message, "ConfigurationError") from error


def _link(work: Work, build: dict[str, Any]) -> None:
    region, run = work.cloud.region, work.run
    project = build["projectName"]
    address = f"https://{region}.console.aws.amazon.com/codesuite/codebuild/projects/{project}"
    run.external_id = build["id"]
    run.external_url = f"{address}/build/{build['id']}/view/new"
    run.entity_url = f"{address}/view"
    run.log_arn = build.get("logs", {}).get("cloudWatchLogsArn", "")


def _take_result(work: Work, build: dict[str, Any]) -> None:
    record = builds_of(work.cloud).find(build["id"])
    assert record is not None  # noqa: S101 (BatchGetBuilds has just shown it)
    exported = build.get("exportedEnvironmentVariables", [])
    work.run.variables = {variable["name"]: variable.get("value", "") for variable in exported}
    if build["buildStatus"] != "SUCCEEDED":
        raise Failed(record.failure)
    if record.output is not None:
        work.run.outputs = {work.run.action.outputs[0]: record.output}
