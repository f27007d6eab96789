"""Step 1: decide what publishing would change, as values that can be printed and tested. Nothing here talks to AWS."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from catalog.bundle import Bundle

# The form of an object that Studio lists on the S3-provisioned route:
# https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-projects-templates-custom.html
STUDIO_KEY = "studio/sagemaker-autopilot.yaml"
VISIBLE = {"sagemaker:studio-visibility": "true"}
PIN = re.compile(r"^(\s+)(Bucket|Key|VersionId|Sha256): unpublished$", re.MULTILINE)
MAX_STACK_TEMPLATE = (
    51_200  # bytes; https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
)
# Once the product exists its further versions are made through Service Catalog: a version that CloudFormation made
# would be deleted when the next one took its place in the stack, and projects would lose the version they came from.
FIRST_VERSION = ("ProductTemplateKey", "ProductVersionName")
GIVEN_TO_STACK = {"HookZipKey", "RouterZipKey", *FIRST_VERSION}


# What CloudFormation makes changes of. A change set for any other difference, such as a comment, fails.
ACTED_ON = ("Conditions", "Mappings", "Resources", "Outputs")


class PublishError(Exception):
    """Publishing cannot go on; the text says what to do."""


class Lenient(yaml.SafeLoader):
    """Reads CloudFormation's short forms (!Sub, !Ref) as their text."""


Lenient.add_multi_constructor("!", lambda loader, _, node: str(node))


def acted_on(template: str) -> dict[str, Any]:
    """Return the parts of a template that CloudFormation makes changes of."""
    document = yaml.load(template, Lenient) or {}  # noqa: S506 - a safe loader
    return {part: document.get(part) for part in ACTED_ON}


@dataclass(frozen=True)
class Wanted:
    """What is to be published."""

    version: str
    template: Bundle
    hook: Bundle
    router: Bundle
    product: str  # the text of product.yaml, not yet pinned to a template
    stack: str  # the text of portfolio.yaml
    declared: frozenset[str]  # the parameters of portfolio.yaml
    parameters: Mapping[str, str] = field(default_factory=dict)  # those that a person gave

    @property
    def digest(self) -> str:
        """Return what tells one product version from another: its template and its infrastructure."""
        return hashlib.sha256(f"{self.template.sha256}\n{self.product}".encode()).hexdigest()[:16]

    @property
    def name(self) -> str:
        """Return the name of the product version."""
        return f"{self.version} ({self.digest[:8]})"

    @property
    def product_key(self) -> str:
        """Return the key of product.yaml, which is known before the template's version in S3 is."""
        return f"product/{self.digest}/product.yaml"

    @property
    def bundles(self) -> tuple[Bundle, ...]:
        """Return the zips in the order of their upload."""
        return (self.template, self.hook, self.router)


@dataclass(frozen=True)
class Version:
    """A version of the product in Service Catalog."""

    id: str
    name: str
    deprecated: bool


@dataclass(frozen=True)
class State:
    """What is there."""

    stack: str | None = None  # the text of the template that the ops stack was made of
    parameters: Mapping[str, str] = field(default_factory=dict)
    bucket: str = ""
    product: str = ""
    objects: Mapping[str, str] = field(default_factory=dict)  # key: version id
    studio: str = ""  # the digest of the product that Studio's own route offers
    versions: tuple[Version, ...] = ()


@dataclass(frozen=True)
class MakeStack:
    """Make the ops stack, at first without what needs the bucket's content."""

    parameters: Mapping[str, str]

    def __str__(self) -> str:
        """Return what the step does, in a line."""
        return "make the ops stack with its artifact bucket; uploads, functions and product follow"


@dataclass(frozen=True)
class Upload:
    """Put a zip under a key that its content decides."""

    bundle: Bundle

    def __str__(self) -> str:
        """Return what the step does, in a line."""
        return f"upload {self.bundle.key} ({len(self.bundle.data)} bytes)"


@dataclass(frozen=True)
class UploadProduct:
    """Put product.yaml, pinned to the version of the template's zip."""

    key: str
    visible: bool = False

    def __str__(self) -> str:
        """Return what the step does, in a line."""
        return f"upload {self.key}" + (", tagged for Studio's S3-provisioned route" if self.visible else "")


@dataclass(frozen=True)
class ChangeStack:
    """Update the ops stack through a change set."""

    parameters: Mapping[str, str]
    because: tuple[str, ...]

    def __str__(self) -> str:
        """Return what the step does, in a line."""
        return f"update the ops stack through a change set: {', '.join(self.because)}"


@dataclass(frozen=True)
class AddVersion:
    """Offer a new version of the product."""

    name: str
    key: str

    def __str__(self) -> str:
        """Return what the step does, in a line."""
        return f"add product version {self.name}"


@dataclass(frozen=True)
class Deprecate:
    """Warn those who would use an older version; projects made of it stay as they are."""

    version: Version

    def __str__(self) -> str:
        """Return what the step does, in a line."""
        return f"deprecate product version {self.version.name}"


Step = MakeStack | Upload | UploadProduct | ChangeStack | AddVersion | Deprecate


def plan(state: State, goal: Wanted, *, deprecate: bool = False) -> list[Step]:
    """Return what is left to do. Of what is published already, nothing."""
    if state.stack is None:
        return [MakeStack(dict(goal.parameters))]
    return [*uploads(state, goal), *changed_stack(state, goal), *versions(state, goal, deprecate=deprecate)]


def uploads(state: State, goal: Wanted) -> Iterator[Step]:
    """Yield what the bucket lacks."""
    yield from (Upload(bundle) for bundle in goal.bundles if bundle.key not in state.objects)
    if goal.product_key not in state.objects:
        yield UploadProduct(goal.product_key)
    values = {**state.parameters, **goal.parameters}
    if (
        values.get("S3ProvisionedRoute", "true") == "true" and state.studio != goal.digest
    ):  # the default of portfolio.yaml
        yield UploadProduct(STUDIO_KEY, visible=True)


def changed_stack(state: State, wanted: Wanted) -> Iterator[Step]:
    """Yield the update of the ops stack, when there is a reason."""
    goal = parameters(state, wanted)
    because = [f"{name} = {value}" for name, value in sorted(goal.items()) if state.parameters.get(name) != value]
    if acted_on(state.stack or "") != acted_on(wanted.stack):
        because.insert(0, "portfolio.yaml changed")
    if because:
        yield ChangeStack(goal, tuple(because))


def parameters(state: State, goal: Wanted) -> dict[str, str]:
    """Return the parameters to give to the ops stack; those that are not among them keep their value."""
    ours = {
        "HookZipKey": goal.hook.key,
        "RouterZipKey": goal.router.key,
        "ProductTemplateKey": goal.product_key,
        "ProductVersionName": goal.name,
    }
    ours |= {name: state.parameters[name] for name in FIRST_VERSION if state.parameters.get(name)}
    return {name: value for name, value in {**ours, **goal.parameters}.items() if name in goal.declared}


def versions(state: State, goal: Wanted, *, deprecate: bool) -> Iterator[Step]:
    """Yield the new version, when this is none of those there are, and what becomes of the older ones."""
    first = not state.parameters.get("ProductVersionName")  # the stack makes it
    if not first and goal.name.rpartition(" ")[2] not in {
        version.name.rpartition(" ")[2] for version in state.versions
    }:
        yield AddVersion(goal.name, goal.product_key)
    if deprecate:
        older = [version for version in state.versions if not version.name.endswith(f"({goal.digest[:8]})")]
        yield from (Deprecate(version) for version in older if not version.deprecated)


def pinned(product: str, *, bucket: str, template: Bundle, version_id: str) -> str:
    """Return product.yaml with the template that it seeds repositories from: one version of one object, by digest.

    Raises:
        PublishError: product.yaml has no place for it.
    """
    values = {"Bucket": bucket, "Key": template.key, "VersionId": version_id, "Sha256": template.sha256}
    text, places = PIN.subn(lambda match: f'{match[1]}{match[2]}: "{values[match[2]]}"', product)
    if places != len(values):
        raise PublishError(
            "product.yaml: Mappings.Published.Template must have Bucket, Key, VersionId and Sha256, each `unpublished`"
        )
    return text
