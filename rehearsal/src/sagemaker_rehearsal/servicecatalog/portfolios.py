"""Step 1: portfolios, their principals, products and launch constraints.

https://docs.aws.amazon.com/servicecatalog/latest/dg/API_Operations.html
"""

import json
from typing import Any

from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.service import Call, operation
from sagemaker_rehearsal.servicecatalog import views
from sagemaker_rehearsal.servicecatalog.state import PAGES, Constraint, Portfolio, Product, invalid, missing, of

SERVICE = "servicecatalog"


def in_use(message: str) -> AwsError:
    """Return the error for deleting a resource that is in use."""
    return AwsError("ResourceInUseException", message)


@operation(SERVICE, "CreatePortfolio")
def create_portfolio(call: Call) -> dict[str, Any]:
    """Create a portfolio."""
    catalogue, params = of(call.cloud), call.params

    def make() -> Portfolio:
        portfolio = Portfolio(
            params["DisplayName"], params["ProviderName"], params.get("Description", ""), list(params.get("Tags") or [])
        )
        return catalogue.portfolios.setdefault(portfolio.id, portfolio)

    portfolio = catalogue.once("portfolio", params["IdempotencyToken"], make)
    return {"PortfolioDetail": views.portfolio(catalogue, portfolio), "Tags": portfolio.tags}


@operation(SERVICE, "UpdatePortfolio")
def update_portfolio(call: Call) -> dict[str, Any]:
    """Update a portfolio."""
    catalogue, params = of(call.cloud), call.params
    with catalogue.lock:
        portfolio = catalogue.portfolio(params["Id"])
        portfolio.name, portfolio.provider = (
            params.get("DisplayName", portfolio.name),
            params.get("ProviderName", portfolio.provider),
        )
        portfolio.description = params.get("Description", portfolio.description)
        portfolio.tags = updated_tags(portfolio.tags, params)
    return {"PortfolioDetail": views.portfolio(catalogue, portfolio), "Tags": portfolio.tags}


def updated_tags(tags: list[dict[str, str]], params: Any) -> list[dict[str, str]]:  # noqa: ANN401 (JSON)
    """Apply AddTags and RemoveTags to tags."""
    added = list(params.get("AddTags") or [])
    dropped = {*(params.get("RemoveTags") or []), *(tag["Key"] for tag in added)}
    return [*(tag for tag in tags if tag["Key"] not in dropped), *added]


@operation(SERVICE, "DescribePortfolio")
def describe_portfolio(call: Call) -> dict[str, Any]:
    """Describe a portfolio."""
    catalogue = of(call.cloud)
    portfolio = catalogue.portfolio(call.params["Id"])
    return {
        "PortfolioDetail": views.portfolio(catalogue, portfolio),
        "Tags": portfolio.tags,
        "TagOptions": [],
        "Budgets": [],
    }


@operation(SERVICE, "ListPortfolios")
def list_portfolios(call: Call) -> dict[str, Any]:
    """List all portfolios."""
    catalogue = of(call.cloud)
    rows = [views.portfolio(catalogue, portfolio) for portfolio in list(catalogue.portfolios.values())]
    return PAGES.page(call, "PortfolioDetails", rows)


@operation(SERVICE, "DeletePortfolio")
def delete_portfolio(call: Call) -> None:
    """Delete a portfolio without associated products and principals."""
    catalogue = of(call.cloud)
    with catalogue.lock:
        portfolio = catalogue.portfolio(call.params["Id"])
        if portfolio.products or portfolio.principals:
            raise in_use("Portfolio has associated products or principals; disassociate them first.")
        del catalogue.portfolios[portfolio.id]


def _both(call: Call) -> tuple[Portfolio, Product]:
    catalogue = of(call.cloud)
    return catalogue.portfolio(call.params["PortfolioId"]), catalogue.product(call.params)


@operation(SERVICE, "AssociateProductWithPortfolio")
def associate_product(call: Call) -> None:
    """Associate a product with a portfolio; idempotent."""
    with of(call.cloud).lock:
        portfolio, product = _both(call)
        if product.id not in portfolio.products:
            portfolio.products.append(product.id)


@operation(SERVICE, "DisassociateProductFromPortfolio")
def disassociate_product(call: Call) -> None:
    """Disassociate a product from a portfolio; constraints must be deleted first."""
    catalogue = of(call.cloud)
    with catalogue.lock:
        portfolio, product = _both(call)
        if product.id not in portfolio.products:
            raise missing("Product", f"{product.id} in portfolio {portfolio.id}")
        left = [constraint.id for constraint in catalogue.constraints_of(portfolio, product)]
        if left:
            raise in_use(f"Product {product.id} has constraints in portfolio {portfolio.id}: {', '.join(left)}")
        portfolio.products.remove(product.id)


@operation(SERVICE, "ListPortfoliosForProduct")
def list_portfolios_for_product(call: Call) -> dict[str, Any]:
    """List the portfolios that a product is in."""
    catalogue = of(call.cloud)
    product = catalogue.product(call.params)
    portfolios = [portfolio for portfolio in list(catalogue.portfolios.values()) if product.id in portfolio.products]
    return PAGES.page(call, "PortfolioDetails", [views.portfolio(catalogue, portfolio) for portfolio in portfolios])


@operation(SERVICE, "AssociatePrincipalWithPortfolio")
def associate_principal(call: Call) -> None:
    """Associate a principal with a portfolio; idempotent."""
    catalogue, params = of(call.cloud), call.params
    arn, kind = params["PrincipalARN"], params["PrincipalType"]
    if not arn.startswith("arn:"):
        raise invalid(f"Invalid principal ARN: {arn}")
    with catalogue.lock:
        catalogue.portfolio(params["PortfolioId"]).principals[arn] = kind


@operation(SERVICE, "DisassociatePrincipalFromPortfolio")
def disassociate_principal(call: Call) -> None:
    """Disassociate a principal from a portfolio."""
    catalogue, params = of(call.cloud), call.params
    with catalogue.lock:
        principals = catalogue.portfolio(params["PortfolioId"]).principals
        if params["PrincipalARN"] not in principals:
            raise missing("Principal", params["PrincipalARN"])
        del principals[params["PrincipalARN"]]


@operation(SERVICE, "ListPrincipalsForPortfolio")
def list_principals(call: Call) -> dict[str, Any]:
    """List a portfolio's principals."""
    principals = of(call.cloud).portfolio(call.params["PortfolioId"]).principals
    rows = [{"PrincipalARN": arn, "PrincipalType": kind} for arn, kind in list(principals.items())]
    return PAGES.page(call, "Principals", rows)


@operation(SERVICE, "CreateConstraint")
def create_constraint(call: Call) -> dict[str, Any]:
    """Create a launch constraint for a product of a portfolio.

    https://docs.aws.amazon.com/servicecatalog/latest/dg/API_CreateConstraint.html
    """
    catalogue, params = of(call.cloud), call.params
    kind = params["Type"]
    if kind not in ("LAUNCH", "NOTIFICATION", "TEMPLATE", "STACKSET", "RESOURCE_UPDATE"):
        raise invalid(f"Invalid constraint type: {kind}")
    if kind != "LAUNCH":
        raise AwsError("NotImplemented", f"The rehearsal has no constraints of type {kind}; see docs/parity.md", 501)
    _require_role(params["Parameters"])

    def make() -> Constraint:
        portfolio, product = _both(call)
        if product.id not in portfolio.products:
            raise missing("Product", f"{product.id} in portfolio {portfolio.id}")
        if catalogue.constraints_of(portfolio, product):
            raise AwsError("DuplicateResourceException", "A launch constraint exists for this product and portfolio.")
        constraint = Constraint(portfolio.id, product.id, kind, params["Parameters"], params.get("Description", ""))
        return catalogue.constraints.setdefault(constraint.id, constraint)

    return _response(catalogue.once("constraint", params["IdempotencyToken"], make))


def _require_role(parameters: str) -> None:
    try:
        document = json.loads(parameters)
    except ValueError as error:
        raise invalid(f"Constraint parameters are no JSON: {error}") from error
    if not isinstance(document, dict) or len(document.keys() & {"RoleArn", "LocalRoleName"}) != 1:
        raise invalid("Constraint parameters must have exactly one of RoleArn and LocalRoleName.")


def _response(constraint: Constraint) -> dict[str, Any]:
    return {
        "ConstraintDetail": views.constraint(constraint),
        "ConstraintParameters": constraint.parameters,
        "Status": "AVAILABLE",
    }


def _constraint(call: Call) -> Constraint:
    constraint = of(call.cloud).constraints.get(call.params["Id"])
    if constraint is None:
        raise missing("Constraint", call.params["Id"])
    return constraint


@operation(SERVICE, "DescribeConstraint")
def describe_constraint(call: Call) -> dict[str, Any]:
    """Describe a constraint."""
    return _response(_constraint(call))


@operation(SERVICE, "UpdateConstraint")
def update_constraint(call: Call) -> dict[str, Any]:
    """Update a constraint."""
    constraint = _constraint(call)
    if "Parameters" in call.params:
        _require_role(call.params["Parameters"])
        constraint.parameters = call.params["Parameters"]
    constraint.description = call.params.get("Description", constraint.description)
    return _response(constraint)


@operation(SERVICE, "DeleteConstraint")
def delete_constraint(call: Call) -> None:
    """Delete a constraint."""
    catalogue = of(call.cloud)
    with catalogue.lock:
        del catalogue.constraints[_constraint(call).id]


@operation(SERVICE, "ListConstraintsForPortfolio")
def list_constraints(call: Call) -> dict[str, Any]:
    """List a portfolio's constraints."""
    catalogue = of(call.cloud)
    portfolio, product = catalogue.portfolio(call.params["PortfolioId"]), call.params.get("ProductId")
    constraints = [
        constraint for constraint in list(catalogue.constraints.values()) if constraint.portfolio == portfolio.id
    ]
    rows = [views.constraint(constraint) for constraint in constraints if product in (None, constraint.product)]
    return PAGES.page(call, "ConstraintDetails", rows)
