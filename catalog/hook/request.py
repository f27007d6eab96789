"""Step 3: read CloudFormation's event into values. Nothing here talks to anyone."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from catalog.hook.errors import EventError, ImmovableError, PropertyError

Event = Mapping[str, Any]

KINDS = ("Create", "Update", "Delete")
PROVIDERS = ("codecommit", "github", "gitlab", "bitbucket")
TEMPLATE_BRANCH = "template"
# The pre-signed addresses that CloudFormation gives: cloudformation-custom-resource-response-REGION in S3, by any of
# the forms of S3's host names.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-customresource-vpc.html
CALLBACK_HOST = re.compile(
    r"cloudformation-custom-resource-response-[a-z0-9-]+\.s3(?:[.-][a-z0-9-]+)?\.amazonaws\.com(?:\.cn)?"
)
MAX_ANSWERS = 50
MAX_ANSWER = 4096  # characters; CloudFormation's own limit for the value of a parameter, in bytes


@dataclass(frozen=True)
class Reply:
    """Where and as whom to answer. Fields that the event lacks are empty; CloudFormation then ignores the answer."""

    url: str
    stack_id: str
    request_id: str
    logical_id: str
    physical_id: str


@dataclass(frozen=True)
class Artifact:
    """One version of one object in S3, and the digest that its bytes must have."""

    bucket: str
    key: str
    version: str
    sha256: str


@dataclass(frozen=True)
class Request:
    """What to do, checked for form; the answers are checked against the template's own rules later.

    Every delivery of one request has the same id.
    """

    id: str
    kind: str
    provider: str
    repository: str
    branch: str
    answers: Mapping[str, str]
    artifact: Artifact
    old_branch: str
    project_bucket: str
    seed_project: str


def reply(event: object, extra_hosts: Collection[str] = ()) -> Reply:
    """Return where to answer, whatever else is wrong with the event.

    Args:
        event: what Lambda was invoked with.
        extra_hosts: further hosts to answer, over HTTP too. For rehearsals; none on AWS.

    Raises:
        EventError: there is no address that may be written to, so nothing must be sent.
    """
    if not isinstance(event, Mapping):
        raise EventError(f"the event must be an object as CloudFormation sends it, got {type(event).__name__}")
    url = event.get("ResponseURL")
    if not isinstance(url, str) or not trusted(url, extra_hosts):
        raise EventError("ResponseURL: must be an https address on CloudFormation's S3 host; nothing was sent to it")
    texts = {name: text_of(event, name) for name in ("StackId", "RequestId", "LogicalResourceId")}
    return Reply(url, texts["StackId"], texts["RequestId"], texts["LogicalResourceId"], physical_id(event))


def trusted(url: str, extra_hosts: Collection[str]) -> bool:
    """Return whether an address is CloudFormation's."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if "@" in parts.netloc or any(character <= " " for character in url):
        return False
    if host in extra_hosts:
        return parts.scheme in ("http", "https")
    return parts.scheme == "https" and port in (None, 443) and CALLBACK_HOST.fullmatch(host) is not None


def text_of(event: Event, name: str) -> str:
    """Return a field that is text, or nothing."""
    value = event.get(name)
    return value if isinstance(value, str) else ""


def physical_id(event: Event) -> str:
    """Return the resource's id: kept for its whole life, and there even when a Create fails."""
    if physical := text_of(event, "PhysicalResourceId"):
        return physical
    properties = event.get("ResourceProperties")
    if not isinstance(properties, Mapping):
        return "seed:not-created"
    provider, name = properties.get("Provider", "codecommit"), properties.get("RepositoryName")
    if provider in PROVIDERS and isinstance(name, str) and not REPOSITORY_NAMES[str(provider)](name):
        return f"{provider}:{name}"
    return "seed:not-created"


def kind_of(event: Event) -> str:
    """Return Create, Update or Delete.

    Raises:
        PropertyError: it is something else, or the event does not say which request it is.
    """
    missing = [name for name in ("StackId", "RequestId", "LogicalResourceId") if not text_of(event, name)]
    if missing:
        raise PropertyError(f"{', '.join(missing)}: must be text, as CloudFormation sends it")
    kind = event.get("RequestType")
    if kind not in KINDS:
        raise PropertyError(f"RequestType: got {quoted(kind)}; must be one of {', '.join(KINDS)}")
    return str(kind)


def parse(event: Event) -> Request:
    """Return the request of a Create or Update.

    Raises:
        PropertyError: lists every property that is missing, unknown or malformed.
        ImmovableError: an Update asks for another repository or provider.
    """
    kind = kind_of(event)
    properties = event.get("ResourceProperties")
    if not isinstance(properties, Mapping):
        raise PropertyError("ResourceProperties: must be an object")
    if problems := list(problems_of(properties)):
        raise PropertyError("; ".join(problems))
    request = Request(
        id=f"{event['StackId']} {event['RequestId']}",
        kind=kind,
        provider=properties.get("Provider", "codecommit"),
        repository=properties["RepositoryName"],
        branch=properties["BranchName"],
        answers=dict(properties["Answers"]),
        artifact=Artifact(*(properties[f"Template{name}"] for name in ("Bucket", "Key", "VersionId", "Sha256"))),
        old_branch=old_branch(event) or properties["BranchName"],
        project_bucket=properties.get("ProjectBucket", ""),
        seed_project=properties.get("SeedProject", ""),
    )
    refuse_to_move(event, request)
    return request


def old_branch(event: Event) -> str:
    """Return the branch that the previous properties name, or nothing."""
    old = event.get("OldResourceProperties")
    return text_of(old, "BranchName") if isinstance(old, Mapping) else ""


def refuse_to_move(event: Event, request: Request) -> None:
    """Compare an Update with the repository that was seeded.

    The physical id names it, not the old properties: while CloudFormation rolls back a refused update, the old
    properties are the refused ones.
    """
    was = text_of(event, "PhysicalResourceId")
    if request.kind == "Update" and was.startswith(PROVIDERS) and was != f"{request.provider}:{request.repository}":
        raise ImmovableError(
            f"RepositoryName, Provider: the project was seeded into {quoted(was)} and cannot move to "
            f"{quoted(f'{request.provider}:{request.repository}')}; create a new SageMaker project instead"
        )


def problems_of(properties: Mapping[str, Any]) -> Iterator[str]:
    """Yield one sentence for each property that is wrong: name, value, rule, remedy."""
    for name in sorted(set(properties) - set(RULES) - {"ServiceToken", "ServiceTimeout"}, key=str):
        yield f"{quoted(name)}: no such property{nearest(str(name), RULES)}"
    provider = properties.get("Provider", "codecommit")
    for name, rule in RULES.items():
        value = properties.get(name)
        if value is None:
            if name in required(provider):
                yield f"{name}: is missing; give it in product.yaml"
        elif name == "Answers":
            yield from problems_of_answers(value)
        elif not isinstance(value, str):
            yield f"{name}: must be text, got {type(value).__name__}"
        elif broken := (REPOSITORY_NAMES.get(str(provider), codecommit_name) if name == "RepositoryName" else rule)(
            value
        ):
            yield f"{name}: got {quoted(value)}; must be {broken}"


def required(provider: object) -> set[str]:
    """Return the properties that must be given."""
    of_all = set(RULES) - {"Provider", "ProjectBucket", "SeedProject"}
    return of_all if provider == "codecommit" else of_all | {"ProjectBucket", "SeedProject"}


def problems_of_answers(answers: object) -> Iterator[str]:
    """Yield what is wrong with the form of the answers."""
    if not isinstance(answers, Mapping):
        yield f"Answers: must be a map of text to text, got {type(answers).__name__}"
        return
    if len(answers) > MAX_ANSWERS:
        yield f"Answers: has {len(answers)} names; at most {MAX_ANSWERS} are read"
        return
    for name, value in answers.items():
        if not isinstance(value, str):
            yield f"Answers.{quoted(name)}: must be text, got {type(value).__name__}"
        elif len(value) > MAX_ANSWER:
            yield f"Answers.{quoted(name)}: has {len(value)} characters; at most {MAX_ANSWER} are read"


def matching(pattern: str, rule: str) -> Callable[[str], str]:
    """Return a check that answers the rule when a text breaks it, and else nothing."""
    compiled = re.compile(pattern)
    return lambda value: "" if compiled.fullmatch(value) else rule


# https://docs.aws.amazon.com/codecommit/latest/APIReference/API_CreateRepository.html
codecommit_name = matching(
    r"(?!.*\.git$)[A-Za-z0-9_.-]{1,100}", "1 to 100 of A-Z a-z 0-9 . _ -, not ending in .git (CodeCommit's rule)"
)
hosted_name = matching(
    r"(?!.*\.git$)(?!.{256})[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*){1,8}",
    "owner/name as the Git host shows it, of A-Z a-z 0-9 . _ -, without .git",
)
REPOSITORY_NAMES = {name: codecommit_name if name == "codecommit" else hosted_name for name in PROVIDERS}
RULES: dict[str, Callable[[str], str]] = {
    "RepositoryName": codecommit_name,
    "Provider": matching("|".join(PROVIDERS), f"one of {', '.join(PROVIDERS)}"),
    "BranchName": matching(rf"(?!{TEMPLATE_BRANCH}$)[^\x00-\x20\x7f]{{1,256}}", "a branch name other than `template`"),
    "Answers": lambda _: "",
    "TemplateBucket": matching(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "the name of an S3 bucket"),
    "TemplateKey": matching(
        r"(?!.*(?:^|/)\.{1,2}(?:/|$))[A-Za-z0-9_.-][A-Za-z0-9_./-]{0,510}\.zip",
        "the key of a zip in the artifact bucket: no address, no `..`",
    ),
    "TemplateVersionId": matching(r"[A-Za-z0-9._+/=-]{1,1024}", "the version id of the object in S3"),
    "TemplateSha256": matching(r"[0-9a-f]{64}", "64 hexadecimal digits in lower case"),
    "ProjectBucket": matching(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "the name of an S3 bucket"),
    "SeedProject": matching(r"[A-Za-z0-9][A-Za-z0-9_-]{1,254}", "the name of a CodeBuild project"),
}


def quoted(value: object) -> str:
    """Return a value as short ASCII text."""
    text = ascii(value)
    return text if len(text) <= 100 else f"{text[:80]}... ({len(str(value))} characters)"


def nearest(name: str, known: Collection[str]) -> str:
    """Return `; did you mean X?`, or the list of names when none is near."""
    near = difflib.get_close_matches(name[:100], list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else f"; known are {', '.join(sorted(known))}"
