"""Steps 1 to 3: the state of Service Catalog: portfolios, products, versions and provisioned products."""

import fnmatch
import json
import secrets
import string
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.paging import Pages
from sagemaker_rehearsal.server.service import ACCOUNT, Host

Tags = list[dict[str, str]]
SIGNS = string.ascii_lowercase + string.digits


def new_id(prefix: str) -> str:
    """Return a new id in AWS's format, such as `prod-` and thirteen letters and digits."""
    return prefix + "-" + "".join(secrets.choice(SIGNS) for _ in range(13))


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def missing(what: str, identifier: object) -> AwsError:
    """Return the error for an absent resource."""
    return AwsError("ResourceNotFoundException", f"{what} {identifier} not found.")


def invalid(message: str) -> AwsError:
    """Return the error for an invalid request."""
    return AwsError("InvalidParametersException", message)


PAGES = Pages("PageToken", "PageSize", "NextPageToken", 20, invalid)


@dataclass
class Portfolio:
    """A set of products and the principals that may use them."""

    name: str
    provider: str
    description: str
    tags: Tags
    id: str = field(default_factory=lambda: new_id("port"))
    created: datetime = field(default_factory=now)
    products: list[str] = field(default_factory=list)
    principals: dict[str, str] = field(default_factory=dict)  # ARN -> IAM or IAM_PATTERN


@dataclass
class Artifact:
    """A version of a product."""

    name: str
    description: str
    source: str  # the template's original URL
    template: str  # the URL of Service Catalog's copy
    text: str
    id: str = field(default_factory=lambda: new_id("pa"))
    created: datetime = field(default_factory=now)
    active: bool = True
    guidance: str = "DEFAULT"


@dataclass
class Product:
    """A product with its versions, each a template."""

    name: str
    owner: str
    details: Mapping[str, str]  # description, distributor, support
    tags: Tags
    id: str = field(default_factory=lambda: new_id("prod"))
    created: datetime = field(default_factory=now)
    artifacts: dict[str, Artifact] = field(default_factory=dict)


@dataclass
class Constraint:
    """A constraint on a product in a portfolio."""

    portfolio: str
    product: str
    kind: str
    parameters: str
    description: str
    id: str = field(default_factory=lambda: new_id("cons"))


@dataclass
class Path:
    """A launch path: a portfolio that holds the product, with its launch role."""

    portfolio: Portfolio
    constraints: list[Constraint]
    role_arn: str

    @property
    def id(self) -> str:
        """The path's id, which is stable for a portfolio."""
        return "lpv3-" + self.portfolio.id.removeprefix("port-")


@dataclass
class Record:
    """The record of a request to provision, update or terminate a product."""

    kind: str
    product: str
    artifact: str
    path: str
    role_arn: str
    tags: Tags
    id: str = field(default_factory=lambda: new_id("rec"))
    created: datetime = field(default_factory=now)
    changed: datetime = field(default_factory=now)
    status: str = "CREATED"
    errors: list[dict[str, str]] = field(default_factory=list)
    outputs: list[dict[str, str]] = field(default_factory=list)


@dataclass
class Provisioned:
    """A provisioned product, which is a stack."""

    name: str
    product: str
    artifact: str
    path: str
    role_arn: str
    parameters: dict[str, str]
    tags: Tags
    user: str
    token: str
    id: str = field(default_factory=lambda: new_id("pp"))
    created: datetime = field(default_factory=now)
    status: str = "UNDER_CHANGE"
    message: str = ""
    stack_id: str = ""
    records: list[Record] = field(default_factory=list)

    @property
    def arn_part(self) -> str:
        """The last part of the ARN."""
        return f"stack/{self.name}/{self.id}"


class Catalogue:
    """Service Catalog of one account and region."""

    def __init__(self, cloud: Host) -> None:
        self.cloud = cloud
        self.lock = threading.RLock()
        self.portfolios: dict[str, Portfolio] = {}
        self.products: dict[str, Product] = {}
        self.constraints: dict[str, Constraint] = {}
        self.provisioned: dict[str, Provisioned] = {}
        self.records: dict[str, tuple[Record, Provisioned]] = {}
        self.tokens: dict[tuple[str, str], Any] = {}
        self.launch_keys: dict[str, Mapping[str, str]] = {}  # by the launch role's ARN

    def arn(self, kind: str, name: str) -> str:
        """Return the ARN of a portfolio or product, whose service prefix is `catalog`."""
        return f"arn:aws:catalog:{self.cloud.region}:{ACCOUNT}:{kind}/{name}"

    def portfolio(self, name: str) -> Portfolio:
        """Return a portfolio.

        Raises:
            AwsError: there is no portfolio of this id.
        """
        if name not in self.portfolios:
            raise missing("Portfolio", name)
        return self.portfolios[name]

    def product(self, params: Mapping[str, Any], by_id: str = "ProductId", by_name: str = "ProductName") -> Product:
        """Return the product that a request names by id or name.

        Raises:
            AwsError: not exactly one of both is given, or there is no such product.
        """
        product_id, name = params.get(by_id), params.get(by_name)
        if bool(product_id) == bool(name):
            raise invalid(f"Exactly one of {by_id} and {by_name} must be specified.")
        matches = [
            product
            for product in list(self.products.values())
            if product_id in (None, product.id) and name in (None, product.name)
        ]
        if not matches:
            raise missing("Product", product_id or name)
        return matches[0]

    def artifact(self, product: Product, params: Mapping[str, Any]) -> Artifact:
        """Return the version that a request names by id or name.

        Raises:
            AwsError: not exactly one of both is given, or there is no such version.
        """
        artifact_id, name = params.get("ProvisioningArtifactId"), params.get("ProvisioningArtifactName")
        if bool(artifact_id) == bool(name):
            raise invalid("Exactly one of ProvisioningArtifactId and ProvisioningArtifactName must be specified.")
        matches = [
            artifact
            for artifact in list(product.artifacts.values())
            if artifact_id in (None, artifact.id) and name in (None, artifact.name)
        ]
        if not matches:
            raise missing("ProvisioningArtifact", artifact_id or name)
        return matches[0]

    def once(self, kind: str, token: str, make: Any) -> Any:  # noqa: ANN401 (of the kind)
        """Perform a request once for each idempotency token; later calls return the first result."""
        with self.lock:
            if (kind, token) not in self.tokens:
                self.tokens[kind, token] = make()
            return self.tokens[kind, token]

    def constraints_of(self, portfolio: Portfolio, product: Product) -> list[Constraint]:
        """Return the constraints of a product in a portfolio."""
        both = (portfolio.id, product.id)
        return [
            constraint
            for constraint in list(self.constraints.values())
            if (constraint.portfolio, constraint.product) == both
        ]

    def paths(self, product: Product, who: "Caller") -> list[Path]:
        """Return a caller's launch paths to a product: one for each portfolio associated with both."""
        paths = []
        for portfolio in list(self.portfolios.values()):
            if product.id not in portfolio.products or not who.may_use(portfolio):
                continue
            own = self.constraints_of(portfolio, product)
            paths.append(Path(portfolio, own, launch_role(own)))
        return paths


def launch_role(constraints: list[Constraint]) -> str:
    """Return the role ARN of the launch constraint; empty without one."""
    for constraint in constraints:
        if constraint.kind == "LAUNCH":
            document = json.loads(constraint.parameters)
            name = document.get("LocalRoleName")
            return str(document.get("RoleArn") or f"arn:aws:iam::{ACCOUNT}:role/{name}")
    return ""


@dataclass(frozen=True)
class Caller:
    """The caller of a request.

    Attributes:
        entity_arn: of the role or user; empty for the administrator, who sees all products (on AWS only with an
            association; see docs/parity.md).
    """

    entity_arn: str

    def may_use(self, portfolio: Portfolio) -> bool:
        """Return whether a portfolio is associated with the caller.

        https://docs.aws.amazon.com/servicecatalog/latest/dg/API_AssociatePrincipalWithPortfolio.html
        """
        if not self.entity_arn:
            return True
        name = self.entity_arn.partition("::")[2].partition(":")[2]
        return any(
            arn == self.entity_arn or (kind == "IAM_PATTERN" and fnmatch.fnmatchcase(name, arn.rpartition(":")[2]))
            for arn, kind in portfolio.principals.items()
        )


def of(cloud: Host) -> Catalogue:
    """Return a cloud's Service Catalog."""
    return cloud.state_of(Catalogue)
