"""Step 1: portfolios, who may use them, what is in them, and how it is launched.

https://docs.aws.amazon.com/servicecatalog/latest/dg/API_Operations.html
"""

import json
from typing import Any

from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.service import Call, operation
from sagemaker_rehearsal.servicecatalog import views
from sagemaker_rehearsal.servicecatalog.state import Constraint, Portfolio, Product, invalid, missing, of

SERVICE = "servicecatalog"


def in_use(message: str) -> AwsError:
    """Give Service Catalog's answer to a deletion that something else stands in the way of."""
    return AwsError("ResourceInUseException", message)


@operation(SERVICE, "CreatePortfolio")
def create_portfolio(call: Call) -> dict[str, Any]:
    """Make a portfolio."""
    kept, given = of(call.cloud), call.params

    def make() -> Portfolio:
        made = Portfolio(
            given["DisplayName"], given["ProviderName"], given.get("Description", ""), list(given.get("Tags") or [])
        )
        return kept.portfolios.setdefault(made.id, made)

    made = kept.once("portfolio", given["IdempotencyToken"], make)
    return {"PortfolioDetail": views.portfolio(kept, made), "Tags": made.tags}


@operation(SERVICE, "UpdatePortfolio")
def update_portfolio(call: Call) -> dict[str, Any]:
    """Change a portfolio."""
    kept, given = of(call.cloud), call.params
    with kept.lock:
        one = kept.portfolio(given["Id"])
        one.name, one.provider = given.get("DisplayName", one.name), given.get("ProviderName", one.provider)
        one.description = given.get("Description", one.description)
        one.tags = retagged(one.tags, given)
    return {"PortfolioDetail": views.portfolio(kept, one), "Tags": one.tags}


def retagged(tags: list[dict[str, str]], given: Any) -> list[dict[str, str]]:  # noqa: ANN401 (JSON)
    """Give tags after AddTags and RemoveTags."""
    added = list(given.get("AddTags") or [])
    dropped = {*(given.get("RemoveTags") or []), *(one["Key"] for one in added)}
    return [*(one for one in tags if one["Key"] not in dropped), *added]


@operation(SERVICE, "DescribePortfolio")
def describe_portfolio(call: Call) -> dict[str, Any]:
    """Describe a portfolio."""
    kept = of(call.cloud)
    one = kept.portfolio(call.params["Id"])
    return {"PortfolioDetail": views.portfolio(kept, one), "Tags": one.tags, "TagOptions": [], "Budgets": []}


@operation(SERVICE, "ListPortfolios")
def list_portfolios(call: Call) -> dict[str, Any]:
    """List all portfolios, on one page."""
    kept = of(call.cloud)
    return {"PortfolioDetails": [views.portfolio(kept, one) for one in list(kept.portfolios.values())]}


@operation(SERVICE, "DeletePortfolio")
def delete_portfolio(call: Call) -> None:
    """Remove a portfolio that nothing is associated with."""
    kept = of(call.cloud)
    with kept.lock:
        one = kept.portfolio(call.params["Id"])
        if one.products or one.principals:
            raise in_use("Portfolio has associated products or principals; disassociate them first.")
        del kept.portfolios[one.id]


def _both(call: Call) -> tuple[Portfolio, Product]:
    kept = of(call.cloud)
    return kept.portfolio(call.params["PortfolioId"]), kept.product(call.params)


@operation(SERVICE, "AssociateProductWithPortfolio")
def associate_product(call: Call) -> None:
    """Put a product into a portfolio; twice is no error."""
    with of(call.cloud).lock:
        portfolio, product = _both(call)
        if product.id not in portfolio.products:
            portfolio.products.append(product.id)


@operation(SERVICE, "DisassociateProductFromPortfolio")
def disassociate_product(call: Call) -> None:
    """Take a product out of a portfolio, once no constraint is left for it."""
    kept = of(call.cloud)
    with kept.lock:
        portfolio, product = _both(call)
        if product.id not in portfolio.products:
            raise missing("Product", f"{product.id} in portfolio {portfolio.id}")
        left = [one.id for one in kept.constraints_of(portfolio, product)]
        if left:
            raise in_use(f"Product {product.id} has constraints in portfolio {portfolio.id}: {', '.join(left)}")
        portfolio.products.remove(product.id)


@operation(SERVICE, "ListPortfoliosForProduct")
def list_portfolios_for_product(call: Call) -> dict[str, Any]:
    """List the portfolios that a product is in."""
    kept = of(call.cloud)
    product = kept.product(call.params)
    found = [one for one in list(kept.portfolios.values()) if product.id in one.products]
    return {"PortfolioDetails": [views.portfolio(kept, one) for one in found]}


@operation(SERVICE, "AssociatePrincipalWithPortfolio")
def associate_principal(call: Call) -> None:
    """Let a principal use a portfolio; twice is no error."""
    kept, given = of(call.cloud), call.params
    arn, kind = given["PrincipalARN"], given["PrincipalType"]
    if not arn.startswith("arn:"):
        raise invalid(f"Invalid principal ARN: {arn}")
    with kept.lock:
        kept.portfolio(given["PortfolioId"]).principals[arn] = kind


@operation(SERVICE, "DisassociatePrincipalFromPortfolio")
def disassociate_principal(call: Call) -> None:
    """Take a portfolio from a principal."""
    kept, given = of(call.cloud), call.params
    with kept.lock:
        principals = kept.portfolio(given["PortfolioId"]).principals
        if given["PrincipalARN"] not in principals:
            raise missing("Principal", given["PrincipalARN"])
        del principals[given["PrincipalARN"]]


@operation(SERVICE, "ListPrincipalsForPortfolio")
def list_principals(call: Call) -> dict[str, Any]:
    """List who may use a portfolio."""
    principals = of(call.cloud).portfolio(call.params["PortfolioId"]).principals
    return {"Principals": [{"PrincipalARN": arn, "PrincipalType": kind} for arn, kind in list(principals.items())]}


@operation(SERVICE, "CreateConstraint")
def create_constraint(call: Call) -> dict[str, Any]:
    """Say how a product of a portfolio is launched.

    https://docs.aws.amazon.com/servicecatalog/latest/dg/API_CreateConstraint.html
    """
    kept, given = of(call.cloud), call.params
    kind = given["Type"]
    if kind not in ("LAUNCH", "NOTIFICATION", "TEMPLATE", "STACKSET", "RESOURCE_UPDATE"):
        raise invalid(f"Invalid constraint type: {kind}")
    if kind != "LAUNCH":
        raise AwsError("NotImplemented", f"The rehearsal has no constraints of type {kind}; see docs/parity.md", 501)
    _require_role(given["Parameters"])

    def make() -> Constraint:
        portfolio, product = _both(call)
        if product.id not in portfolio.products:
            raise missing("Product", f"{product.id} in portfolio {portfolio.id}")
        if kept.constraints_of(portfolio, product):
            raise AwsError("DuplicateResourceException", "A launch constraint exists for this product and portfolio.")
        made = Constraint(portfolio.id, product.id, kind, given["Parameters"], given.get("Description", ""))
        return kept.constraints.setdefault(made.id, made)

    return _described(kept.once("constraint", given["IdempotencyToken"], make))


def _require_role(parameters: str) -> None:
    try:
        given = json.loads(parameters)
    except ValueError as error:
        raise invalid(f"Constraint parameters are no JSON: {error}") from error
    if not isinstance(given, dict) or len(given.keys() & {"RoleArn", "LocalRoleName"}) != 1:
        raise invalid("Constraint parameters must have exactly one of RoleArn and LocalRoleName.")


def _described(one: Constraint) -> dict[str, Any]:
    return {"ConstraintDetail": views.constraint(one), "ConstraintParameters": one.parameters, "Status": "AVAILABLE"}


def _constraint(call: Call) -> Constraint:
    found = of(call.cloud).constraints.get(call.params["Id"])
    if found is None:
        raise missing("Constraint", call.params["Id"])
    return found


@operation(SERVICE, "DescribeConstraint")
def describe_constraint(call: Call) -> dict[str, Any]:
    """Describe a constraint."""
    return _described(_constraint(call))


@operation(SERVICE, "UpdateConstraint")
def update_constraint(call: Call) -> dict[str, Any]:
    """Change a constraint."""
    one = _constraint(call)
    if "Parameters" in call.params:
        _require_role(call.params["Parameters"])
        one.parameters = call.params["Parameters"]
    one.description = call.params.get("Description", one.description)
    return _described(one)


@operation(SERVICE, "DeleteConstraint")
def delete_constraint(call: Call) -> None:
    """Remove a constraint."""
    kept = of(call.cloud)
    with kept.lock:
        del kept.constraints[_constraint(call).id]


@operation(SERVICE, "ListConstraintsForPortfolio")
def list_constraints(call: Call) -> dict[str, Any]:
    """List the constraints of a portfolio."""
    kept = of(call.cloud)
    portfolio, product = kept.portfolio(call.params["PortfolioId"]), call.params.get("ProductId")
    found = [one for one in list(kept.constraints.values()) if one.portfolio == portfolio.id]
    return {"ConstraintDetails": [views.constraint(one) for one in found if product in (None, one.product)]}
