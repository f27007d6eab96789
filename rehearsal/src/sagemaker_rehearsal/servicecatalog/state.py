"""Steps 1 to 3: what Service Catalog keeps: portfolios, products, versions, and what was provisioned of them."""

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
from sagemaker_rehearsal.server.service import ACCOUNT, Host

Tags = list[dict[str, str]]
SIGNS = string.ascii_lowercase + string.digits


def new_id(prefix: str) -> str:
    """Make an id in AWS's form, such as `prod-` and thirteen letters and digits."""
    return prefix + "-" + "".join(secrets.choice(SIGNS) for _ in range(13))


def now() -> datetime:
    """Tell the time as services do."""
    return datetime.now(UTC)


def missing(what: str, given: object) -> AwsError:
    """Give Service Catalog's answer to something that is not there."""
    return AwsError("ResourceNotFoundException", f"{what} {given} not found.")


def invalid(message: str) -> AwsError:
    """Give Service Catalog's answer to a request that breaks a rule."""
    return AwsError("InvalidParametersException", message)


@dataclass
class Portfolio:
    """A set of products for some principals."""

    name: str
    provider: str
    description: str
    tags: Tags
    id: str = field(default_factory=lambda: new_id("port"))
    made: datetime = field(default_factory=now)
    products: list[str] = field(default_factory=list)
    principals: dict[str, str] = field(default_factory=dict)  # ARN -> IAM or IAM_PATTERN


@dataclass
class Artifact:
    """A version of a product."""

    name: str
    description: str
    source: str  # where the template came from
    template: str  # where Service Catalog keeps it
    text: str
    id: str = field(default_factory=lambda: new_id("pa"))
    made: datetime = field(default_factory=now)
    active: bool = True
    guidance: str = "DEFAULT"


@dataclass
class Product:
    """A template that can be provisioned, in versions."""

    name: str
    owner: str
    given: Mapping[str, str]  # description, distributor, support
    tags: Tags
    id: str = field(default_factory=lambda: new_id("prod"))
    made: datetime = field(default_factory=now)
    artifacts: dict[str, Artifact] = field(default_factory=dict)


@dataclass
class Constraint:
    """How a product of a portfolio is launched."""

    portfolio: str
    product: str
    kind: str
    parameters: str
    description: str
    id: str = field(default_factory=lambda: new_id("cons"))


@dataclass
class Path:
    """A way for a caller to a product: a portfolio, with the role that its constraint names."""

    portfolio: Portfolio
    constraints: list[Constraint]
    role_arn: str

    @property
    def id(self) -> str:
        """Give the path's id; it stays the same for a portfolio."""
        return "lpv3-" + self.portfolio.id.removeprefix("port-")


@dataclass
class Record:
    """One request to make, change or remove a provisioned product."""

    kind: str
    product: str
    artifact: str
    path: str
    role_arn: str
    tags: Tags
    id: str = field(default_factory=lambda: new_id("rec"))
    made: datetime = field(default_factory=now)
    changed: datetime = field(default_factory=now)
    status: str = "CREATED"
    errors: list[dict[str, str]] = field(default_factory=list)
    outputs: list[dict[str, str]] = field(default_factory=list)


@dataclass
class Provisioned:
    """What was made of a product: a stack."""

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
    made: datetime = field(default_factory=now)
    status: str = "UNDER_CHANGE"
    message: str = ""
    stack_id: str = ""
    records: list[Record] = field(default_factory=list)

    @property
    def arn_part(self) -> str:
        """Give the end of the ARN."""
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
        """Give the ARN of a portfolio or product: their service is called `catalog`."""
        return f"arn:aws:catalog:{self.cloud.region}:{ACCOUNT}:{kind}/{name}"

    def portfolio(self, name: str) -> Portfolio:
        """Find a portfolio.

        Raises:
            AwsError: there is none of this id.
        """
        if name not in self.portfolios:
            raise missing("Portfolio", name)
        return self.portfolios[name]

    def product(self, params: Mapping[str, Any], by_id: str = "ProductId", by_name: str = "ProductName") -> Product:
        """Find the product that a request names by id or by name.

        Raises:
            AwsError: none, or both, or no such product.
        """
        given, name = params.get(by_id), params.get(by_name)
        if bool(given) == bool(name):
            raise invalid(f"Exactly one of {by_id} and {by_name} must be specified.")
        found = [one for one in list(self.products.values()) if given in (None, one.id) and name in (None, one.name)]
        if not found:
            raise missing("Product", given or name)
        return found[0]

    def artifact(self, product: Product, params: Mapping[str, Any]) -> Artifact:
        """Find the version that a request names by id or by name.

        Raises:
            AwsError: none, or no such version.
        """
        given, name = params.get("ProvisioningArtifactId"), params.get("ProvisioningArtifactName")
        if bool(given) == bool(name):
            raise invalid("Exactly one of ProvisioningArtifactId and ProvisioningArtifactName must be specified.")
        found = [
            one for one in list(product.artifacts.values()) if given in (None, one.id) and name in (None, one.name)
        ]
        if not found:
            raise missing("ProvisioningArtifact", given or name)
        return found[0]

    def once(self, kind: str, token: str, make: Any) -> Any:  # noqa: ANN401 (of the kind)
        """Do what a request asks once for each of its tokens."""
        with self.lock:
            if (kind, token) not in self.tokens:
                self.tokens[kind, token] = make()
            return self.tokens[kind, token]

    def constraints_of(self, portfolio: Portfolio, product: Product) -> list[Constraint]:
        """Give the constraints of a product in a portfolio."""
        both = (portfolio.id, product.id)
        return [one for one in list(self.constraints.values()) if (one.portfolio, one.product) == both]

    def paths(self, product: Product, who: "Caller") -> list[Path]:
        """Give the ways to a product that a caller has: one for each portfolio that is associated with both."""
        found = []
        for portfolio in list(self.portfolios.values()):
            if product.id not in portfolio.products or not who.may_use(portfolio):
                continue
            own = self.constraints_of(portfolio, product)
            found.append(Path(portfolio, own, launch_role(own)))
        return found


def launch_role(constraints: list[Constraint]) -> str:
    """Give the ARN of the role that a launch constraint names, or nothing."""
    for one in constraints:
        if one.kind == "LAUNCH":
            given = json.loads(one.parameters)
            name = given.get("LocalRoleName")
            return str(given.get("RoleArn") or f"arn:aws:iam::{ACCOUNT}:role/{name}")
    return ""


@dataclass(frozen=True)
class Caller:
    """Who looks for products.

    Attributes:
        entity_arn: of the role or user; empty for the administrator, who sees all (on AWS he sees none either without
            an association; see docs/parity.md).
    """

    entity_arn: str

    def may_use(self, portfolio: Portfolio) -> bool:
        """Tell whether a portfolio is associated with the caller.

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
