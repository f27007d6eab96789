"""Steps 1 to 10: hold the templates to checkov, and every IAM policy in them to parliament: `make audit`.

Both look things up in tables that they bring along; nothing is asked over a network. A finding that is meant stands in
the resource's Metadata, under the tool's name, with its reason: `checkov: {skip: [{id: ..., comment: ...}]}`. One that
explains what the tool no longer finds is a finding itself.
"""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.catalog.policies import ROOT, Document, Stack, documents, load

TEMPLATES = (*sorted((ROOT / "catalog").glob("*.yaml")), ROOT / "{{cookiecutter.project_slug}}/deploy/endpoint.yaml")
CHECKOV = ("--framework", "cloudformation", "--output", "json", "--compact", "--skip-download")
CONDITION = re.compile(r"^    Condition: \w+$", re.MULTILINE)  # of a resource or output; lines keep their numbers
NO_REASON = "No comment provided"
# Parameters that are parts of policies where they are given at all
GIVEN = {
    "StudioRoleArns": "arn:aws:iam::111122223333:role/studio,arn:aws:iam::111122223333:role/service-role/lead",
    "ConnectionArn": "arn:aws:codeconnections:eu-west-1:111122223333:connection/01234567-89ab-cdef-0123-456789abcdef",
    "RepositoryId": "team/adult-income",
    "TrainerRoleArns": "arn:aws:iam::111122223333:role/studio,arn:aws:iam::111122223333:role/ml-team-*",
    "KmsKeyArn": "arn:aws:kms:eu-west-1:111122223333:key/01234567-89ab-cdef-0123-456789abcdef",
}


def checkov(paths: Sequence[Path]) -> dict[str, Any]:
    """Return checkov's report.

    It leaves out resources that are not made by default, so it gets copies without conditions.
    """
    command = [sys.executable, "-W", "ignore", "-m", "checkov.main", *CHECKOV]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("BC_", "CKV_", "PRISMA_"))}
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            (Path(folder) / path.name).write_text(CONDITION.sub("", path.read_text(encoding="utf-8")), encoding="utf-8")
        ran = subprocess.run(
            [*command, "--directory", folder], capture_output=True, text=True, check=False, env=environment, cwd=folder
        )
    try:
        report: dict[str, Any] = json.loads(ran.stdout)
    except ValueError:
        raise SystemExit(f"error: checkov failed:\n{ran.stderr or ran.stdout}") from None
    return report


def of_checkov(report: dict[str, Any], paths: Sequence[Path]) -> Iterator[str]:
    """Yield what checkov found and could not read, and skips without a reason or without the resource they are for."""
    results = report["results"]
    for check in results["failed_checks"]:
        lines = "-".join(map(str, check["file_line_range"]))
        place = f"{Path(check['file_path']).name}:{lines}"
        yield f"{place}: {check['resource']}: {check['check_id']}: {check['check_name']}"
    yield from (f"{path}: checkov cannot read it" for path in results["parsing_errors"])
    skipped = set()
    for check in results["skipped_checks"]:
        name, resource = Path(check["file_path"]).name, check["resource"].rpartition(".")[2]
        skipped.add((name, resource, check["check_id"]))
        if check["check_result"].get("suppress_comment", NO_REASON) == NO_REASON:
            yield f"{check['file_path']}: {check['resource']}: {check['check_id']}: is skipped without a reason"
    for path in paths:
        for name, check, _ in explained(load(path), "checkov"):
            if (path.name, name, check) not in skipped:
                yield f"{path.name}: {name}: {check}: is skipped, but checkov does not check it there"


def explained(template: dict[str, Any], tool: str) -> Iterator[tuple[str, str, str]]:
    """Yield resource, finding and reason of what a template says to be meant."""
    for name, resource in template["Resources"].items():
        for skip in resource.get("Metadata", {}).get(tool, {}).get("skip", []):
            yield name, skip["id"], skip.get("comment", "")


def policies(template: dict[str, Any]) -> Iterator[Document]:
    """Yield every policy document, with all conditions met and with none."""
    for assume in (True, False):
        yield from documents(Stack(template, GIVEN if assume else {}, assume))


def of_parliament(path: Path) -> Iterator[str]:
    """Yield what parliament finds that the template does not explain, and explanations of nothing."""
    template, seen = load(path), set()
    meant = {(name, issue): reason for name, issue, reason in explained(template, "parliament")}
    for document in policies(template):
        name = document.where.partition(" ")[0]
        for issue, text in analyzed(document):
            seen.add((name, issue))
            if not meant.get((name, issue)):
                yield f"{path.name}: {document.where}: {issue}: {text}"
    for name, issue in sorted(set(meant) - seen):
        yield f"{path.name}: {name}: {issue}: is explained, but parliament does not find it there"


def analyzed(document: Document) -> Iterator[tuple[str, str]]:
    """Yield parliament's findings of one document."""
    from parliament import analyze_policy_string, config

    body = copy.deepcopy(document.body)
    if document.kind == "trust":  # it has no Resource, which parliament asks for
        for statement in body["Statement"]:
            statement["Resource"] = "arn:aws:iam::111122223333:role/this"
    for finding in analyze_policy_string(json.dumps(body)).findings:
        yield finding.issue, f"{config[finding.issue]['title']} {finding.detail}"


def main() -> int:
    """Print every finding once; 1 when there is any."""
    warnings.simplefilter("ignore")
    started = time.monotonic()
    report = checkov(TEMPLATES)
    findings = [*of_checkov(report, TEMPLATES), *(text for path in TEMPLATES for text in of_parliament(path))]
    print(*dict.fromkeys(findings), sep="\n", end="\n" if findings else "")
    count = sum(1 for path in TEMPLATES for _ in documents(Stack(load(path), GIVEN, assume=True)))
    passed, skipped = report["summary"]["passed"], report["summary"]["skipped"]
    print(f"{len(TEMPLATES)} templates: checkov passed {passed} checks and skipped {skipped} with a reason")
    print(f"{count} policies read; {len(set(findings))} findings; {time.monotonic() - started:.1f} s")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
