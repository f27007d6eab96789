"""Steps 1 and 2: products and their versions, for administrators and end users.

https://docs.aws.amazon.com/servicecatalog/latest/dg/API_Operations.html
"""

from collections.abc import Callable, Mapping
from typing import Any

from sagemaker_rehearsal.cloudformation import fetch
from sagemaker_rehearsal.cloudformation.reading import TemplateError, read
from sagemaker_rehearsal.iam import identity
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.service import ACCOUNT, Call, operation
from sagemaker_rehearsal.servicecatalog import views
from sagemaker_rehearsal.servicecatalog.portfolios import in_use, updated_tags
from sagemaker_rehearsal.servicecatalog.state import (
    PAGES,
    Artifact,
    Caller,
    Catalogue,
    Product,
    invalid,
    missing,
    new_id,
    of,
)

SERVICE = "servicecatalog"
# CreateProduct's members by their names in SearchProducts
DETAIL_MEMBERS = {
    "Description": "ShortDescription",
    "Distributor": "Distributor",
    "SupportDescription": "SupportDescription",
    "SupportEmail": "SupportEmail",
    "SupportUrl": "SupportUrl",
}
# https://docs.aws.amazon.com/servicecatalog/latest/adminguide/limits.html
VERSIONS = 100


def caller(call: Call) -> Caller:
    """Return the caller of a request."""
    who = identity.principal_of(call.access_key)
    return Caller("" if who.kind == "administrator" else who.entity_arn or "unknown")


def _details(params: Mapping[str, Any]) -> dict[str, str]:
    return {name: params[key] for key, name in DETAIL_MEMBERS.items() if params.get(key)}


@operation(SERVICE, "CreateProduct")
def create_product(call: Call) -> dict[str, Any]:
    """Create a product with its first version."""
    catalogue, params = of(call.cloud), call.params
    _require_template(params["ProductType"])
    if "ProvisioningArtifactParameters" not in params:
        raise invalid("ProvisioningArtifactParameters must be specified.")

    def make() -> Product:
        product = Product(params["Name"], params["Owner"], _details(params), list(params.get("Tags") or []))
        first = _artifact(call, params["ProvisioningArtifactParameters"])
        product.artifacts[first.id] = first
        return catalogue.products.setdefault(product.id, product)

    product = catalogue.once("product", params["IdempotencyToken"], make)
    first = next(iter(product.artifacts.values()))
    return {
        "ProductViewDetail": views.detail(catalogue, product),
        "ProvisioningArtifactDetail": views.artifact(first),
        "Tags": product.tags,
    }


def _require_template(kind: str) -> None:
    if kind != views.TEMPLATE:
        raise AwsError("NotImplemented", f"The rehearsal has no products of type {kind}; see docs/parity.md", 501)


def _artifact(call: Call, params: Mapping[str, Any]) -> Artifact:
    """Create a version from a copy of its template; later changes at the URL have no effect."""
    url = params.get("Info", {}).get("LoadTemplateFromURL")
    _require_template(params.get("Type", views.TEMPLATE))
    if not url:
        raise invalid("Info must hold LoadTemplateFromURL.")
    try:
        text = fetch.template(call, url)
        if not params.get("DisableTemplateValidation"):
            read(text)["Resources"]
    except (AwsError, TemplateError, KeyError) as error:
        raise invalid(f"Invalid template: {error}") from error
    name = new_id("pa")
    stored = _store(call, name, text)
    return Artifact(params.get("Name", ""), params.get("Description", ""), url, stored, text, name)


def _store(call: Call, name: str, text: str) -> str:
    """Store a template for launches, with the tag that launch roles' permissions are conditioned on.

    https://docs.aws.amazon.com/servicecatalog/latest/adminguide/constraints-launch.html
    """
    s3, bucket = call.cloud.client("s3"), f"servicecatalog-templates-{ACCOUNT}-{call.cloud.region}"
    if bucket not in [entry["Name"] for entry in s3.list_buckets()["Buckets"]]:
        region = call.cloud.region
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=bucket, **where)
    key = f"{name}.template"
    s3.put_object(Bucket=bucket, Key=key, Body=text.encode(), Tagging="servicecatalog:provisioning=true")
    return f"https://{bucket}.s3.{call.cloud.region}.amazonaws.com/{key}"


@operation(SERVICE, "UpdateProduct")
def update_product(call: Call) -> dict[str, Any]:
    """Update a product."""
    catalogue, params = of(call.cloud), call.params
    with catalogue.lock:
        product = catalogue.product(params, "Id", "-")
        product.name, product.owner = params.get("Name", product.name), params.get("Owner", product.owner)
        product.details = {**product.details, **_details(params)}
        product.tags = updated_tags(product.tags, params)
    return {"ProductViewDetail": views.detail(catalogue, product), "Tags": product.tags}


@operation(SERVICE, "DeleteProduct")
def delete_product(call: Call) -> None:
    """Delete a product that is in no portfolio."""
    catalogue = of(call.cloud)
    with catalogue.lock:
        product = catalogue.product(call.params, "Id", "-")
        if any(product.id in portfolio.products for portfolio in catalogue.portfolios.values()):
            raise in_use(f"Product {product.id} is associated with a portfolio; disassociate it first.")
        del catalogue.products[product.id]


@operation(SERVICE, "DescribeProductAsAdmin")
def describe_product_as_admin(call: Call) -> dict[str, Any]:
    """Describe a product for administrators."""
    catalogue = of(call.cloud)
    product = catalogue.product(call.params, "Id", "Name")
    versions = []
    for each in product.artifacts.values():
        version = {key: value for key, value in views.version(each).items() if key != "Guidance"}
        versions.append({**version, "ProvisioningArtifactMetadata": {"SourceProvisioningArtifactId": each.id}})
    detail = views.detail(catalogue, product)
    return {
        "ProductViewDetail": detail,
        "ProvisioningArtifactSummaries": versions,
        "Tags": product.tags,
        "TagOptions": [],
    }


@operation(SERVICE, "DescribeProduct")
def describe_product(call: Call) -> dict[str, Any]:
    """Describe a product for end users."""
    catalogue = of(call.cloud)
    product = catalogue.product(call.params, "Id", "Name")
    paths = catalogue.paths(product, caller(call))
    if not paths:
        raise missing("Product", product.id)
    return {
        "ProductViewSummary": views.summary(product, default_path=len(paths) == 1),
        "ProvisioningArtifacts": [views.version(each) for each in product.artifacts.values() if each.active],
        "Budgets": [],
        "LaunchPaths": [{"Id": path.id, "Name": path.portfolio.name} for path in paths],
    }


@operation(SERVICE, "SearchProducts")
def search_products(call: Call) -> dict[str, Any]:
    """List the products that the caller may use and that have an active version."""
    catalogue, summaries = of(call.cloud), []
    for product in list(catalogue.products.values()):
        paths = catalogue.paths(product, caller(call))
        if paths and any(each.active for each in product.artifacts.values()) and _matches(product, call.params):
            summaries.append(views.summary(product, default_path=len(paths) == 1))
    pairs = [(catalogue.products[summary["ProductId"]], summary) for summary in summaries]
    rows = [summary for _, summary in _sorted(pairs, call.params)]
    return {
        **PAGES.page(call, "ProductViewSummaries", rows),
        "ProductViewAggregations": _aggregations(summaries),
    }


def _sorted(pairs: list[tuple[Product, dict[str, Any]]], params: Mapping[str, Any]) -> list[Any]:
    """Sort products with their views as a search asks; by default they stay in the order of their creation."""
    keys: dict[str, Callable[[Product], Any]] = {
        "Title": lambda product: product.name.lower(),
        "VersionCount": lambda product: len(product.artifacts),
        "CreationDate": lambda product: product.created,
    }
    key = keys.get(params.get("SortBy", ""))
    ordered = sorted(pairs, key=lambda pair: key(pair[0])) if key else list(pairs)
    return ordered[::-1] if params.get("SortOrder") == "DESCENDING" else ordered


@operation(SERVICE, "SearchProductsAsAdmin")
def search_products_as_admin(call: Call) -> dict[str, Any]:
    """List all products."""
    catalogue, portfolio = of(call.cloud), call.params.get("PortfolioId")
    among = catalogue.portfolio(portfolio).products if portfolio else list(catalogue.products)
    products = [
        product
        for product in list(catalogue.products.values())
        if product.id in among and _matches(product, call.params)
    ]
    rows = [(product, views.detail(catalogue, product)) for product in products]
    return PAGES.page(call, "ProductViewDetails", [detail for _, detail in _sorted(rows, call.params)])


def _matches(product: Product, params: Mapping[str, Any]) -> bool:
    """Match a product with a search's filters: each filter needs one matching value."""
    texts = {
        "FullTextSearch": " ".join([product.name, product.owner, *product.details.values()]).lower(),
        "Owner": product.owner.lower(),
        "ProductType": views.TEMPLATE.lower(),
        "SourceProductId": product.id,
    }
    filters: Mapping[str, list[str]] = params.get("Filters") or {}
    return all(any(value.lower() in texts.get(name, "") for value in values) for name, values in filters.items())


def _aggregations(summaries: list[dict[str, Any]]) -> dict[str, Any]:
    aggregations = {}
    for member in ("Owner", "Type"):
        values = [summary[member] for summary in summaries]
        counts = [{"Value": value, "ApproximateCount": values.count(value)} for value in sorted(set(values))]
        aggregations["ProductType" if member == "Type" else member] = counts
    return aggregations


@operation(SERVICE, "ListLaunchPaths")
def list_launch_paths(call: Call) -> dict[str, Any]:
    """List the caller's launch paths to a product."""
    catalogue = of(call.cloud)
    rows = [views.path(path) for path in catalogue.paths(catalogue.product(call.params), caller(call))]
    return PAGES.page(call, "LaunchPathSummaries", rows)


@operation(SERVICE, "CreateProvisioningArtifact")
def create_provisioning_artifact(call: Call) -> dict[str, Any]:
    """Add a version to a product."""
    catalogue, params = of(call.cloud), call.params
    product = catalogue.product(params)

    def make() -> Artifact:
        if len(product.artifacts) >= VERSIONS:
            raise AwsError("LimitExceededException", f"A product has at most {VERSIONS} versions.")
        artifact = _artifact(call, params["Parameters"])
        return product.artifacts.setdefault(artifact.id, artifact)

    artifact = catalogue.once("artifact", f"{product.id} {params['IdempotencyToken']}", make)
    return _response(artifact)


def _response(artifact: Artifact) -> dict[str, Any]:
    return {
        "ProvisioningArtifactDetail": views.artifact(artifact),
        "Info": {"TemplateUrl": artifact.template},
        "Status": "AVAILABLE",
    }


@operation(SERVICE, "DescribeProvisioningArtifact")
def describe_provisioning_artifact(call: Call) -> dict[str, Any]:
    """Describe a version."""
    catalogue = of(call.cloud)
    artifact = catalogue.artifact(catalogue.product(call.params), call.params)
    if not call.params.get("IncludeProvisioningArtifactParameters"):
        return _response(artifact)
    return {**_response(artifact), "ProvisioningArtifactParameters": _parameters(artifact)}


@operation(SERVICE, "UpdateProvisioningArtifact")
def update_provisioning_artifact(call: Call) -> dict[str, Any]:
    """Rename, deprecate or deactivate a version."""
    catalogue, params = of(call.cloud), call.params
    with catalogue.lock:
        artifact = catalogue.artifact(
            catalogue.product(params), {"ProvisioningArtifactId": params["ProvisioningArtifactId"]}
        )
        artifact.name, artifact.description = (
            params.get("Name", artifact.name),
            params.get("Description", artifact.description),
        )
        artifact.active, artifact.guidance = (
            params.get("Active", artifact.active),
            params.get("Guidance", artifact.guidance),
        )
    return _response(artifact)


@operation(SERVICE, "DeleteProvisioningArtifact")
def delete_provisioning_artifact(call: Call) -> None:
    """Delete a version; the last one cannot be deleted."""
    catalogue, params = of(call.cloud), call.params
    with catalogue.lock:
        product = catalogue.product(params)
        artifact = catalogue.artifact(product, params)
        if len(product.artifacts) == 1:
            raise in_use("The last version of a product cannot be deleted.")
        del product.artifacts[artifact.id]


@operation(SERVICE, "ListProvisioningArtifacts")
def list_provisioning_artifacts(call: Call) -> dict[str, Any]:
    """List a product's versions."""
    product = of(call.cloud).product(call.params)
    return {"ProvisioningArtifactDetails": [views.artifact(artifact) for artifact in product.artifacts.values()]}


@operation(SERVICE, "DescribeProvisioningParameters")
def describe_provisioning_parameters(call: Call) -> dict[str, Any]:
    """Describe the parameters and constraints of a version."""
    catalogue = of(call.cloud)
    product = catalogue.product(call.params)
    artifact = catalogue.artifact(product, call.params)
    path = choose_path(catalogue, product, call)
    constraints = views.path(path)["ConstraintSummaries"]
    outputs = [
        views.filled({"Key": key, "Description": output.get("Description")})
        for key, output in (read(artifact.text).get("Outputs") or {}).items()
    ]
    return {
        "ProvisioningArtifactParameters": _parameters(artifact),
        "ConstraintSummaries": constraints,
        "UsageInstructions": [{"Type": "launchAsRole", "Value": path.role_arn}] if path.role_arn else [],
        "TagOptions": [],
        "ProvisioningArtifactOutputKeys": outputs,
    }


def choose_path(catalogue: Catalogue, product: Product, call: Call) -> Any:  # noqa: ANN401 (a Path)
    """Return the launch path that a request names, or the only one.

    https://docs.aws.amazon.com/servicecatalog/latest/dg/API_ProvisionProduct.html

    Raises:
        AwsError: there is no such path, or there are several and none is named.
    """
    paths, path_id, name = (
        catalogue.paths(product, caller(call)),
        call.params.get("PathId"),
        call.params.get("PathName"),
    )
    matches = [path for path in paths if path_id in (None, path.id) and name in (None, path.portfolio.name)]
    if not matches:
        raise missing("No launch paths found for resource:", product.id)
    if len(matches) > 1:
        raise invalid("The product has more than one launch path; specify PathId or PathName.")
    return matches[0]


CONSTRAINTS = ("AllowedPattern", "ConstraintDescription", "MaxLength", "MinLength", "MaxValue", "MinValue")


def _parameters(artifact: Artifact) -> list[dict[str, Any]]:
    parameters = []
    for name, rule in (read(artifact.text).get("Parameters") or {}).items():
        constraints: dict[str, Any] = {"AllowedValues": [str(each) for each in rule.get("AllowedValues", [])]}
        constraints |= {key: str(rule[key]) for key in CONSTRAINTS if key in rule}
        parameter = {
            "ParameterKey": name,
            "ParameterType": rule["Type"],
            "IsNoEcho": str(rule.get("NoEcho", "")).lower() == "true",
        }
        parameter |= {"DefaultValue": str(rule["Default"])} if "Default" in rule else {}
        parameter |= {"Description": rule["Description"]} if "Description" in rule else {}
        parameters.append({**parameter, "ParameterConstraints": constraints})
    return parameters
