"""Steps 1 and 2: products and their versions, for those who own them and for those who look for one.

https://docs.aws.amazon.com/servicecatalog/latest/dg/API_Operations.html
"""

from collections.abc import Mapping
from typing import Any

from sagemaker_rehearsal.cloudformation import fetch
from sagemaker_rehearsal.cloudformation.reading import TemplateError, read
from sagemaker_rehearsal.iam import identity
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.service import ACCOUNT, Call, operation
from sagemaker_rehearsal.servicecatalog import views
from sagemaker_rehearsal.servicecatalog.portfolios import in_use, retagged
from sagemaker_rehearsal.servicecatalog.state import Artifact, Caller, Catalogue, Product, invalid, missing, new_id, of

SERVICE = "servicecatalog"
# What CreateProduct calls otherwise than SearchProducts
GIVEN = {
    "Description": "ShortDescription",
    "Distributor": "Distributor",
    "SupportDescription": "SupportDescription",
    "SupportEmail": "SupportEmail",
    "SupportUrl": "SupportUrl",
}
# https://docs.aws.amazon.com/servicecatalog/latest/adminguide/limits.html
VERSIONS = 100


def caller(call: Call) -> Caller:
    """Tell who looks for products."""
    who = identity.principal_of(call.access_key)
    return Caller("" if who.kind == "administrator" else who.entity_arn or "unknown")


def _given(params: Mapping[str, Any]) -> dict[str, str]:
    return {name: params[key] for key, name in GIVEN.items() if params.get(key)}


@operation(SERVICE, "CreateProduct")
def create_product(call: Call) -> dict[str, Any]:
    """Make a product with its first version."""
    kept, params = of(call.cloud), call.params
    _require_template(params["ProductType"])
    if "ProvisioningArtifactParameters" not in params:
        raise invalid("ProvisioningArtifactParameters must be specified.")

    def make() -> Product:
        product = Product(params["Name"], params["Owner"], _given(params), list(params.get("Tags") or []))
        first = _artifact(call, params["ProvisioningArtifactParameters"])
        product.artifacts[first.id] = first
        return kept.products.setdefault(product.id, product)

    made = kept.once("product", params["IdempotencyToken"], make)
    first = next(iter(made.artifacts.values()))
    return {
        "ProductViewDetail": views.detail(kept, made),
        "ProvisioningArtifactDetail": views.artifact(first),
        "Tags": made.tags,
    }


def _require_template(kind: str) -> None:
    if kind != views.TEMPLATE:
        raise AwsError("NotImplemented", f"The rehearsal has no products of type {kind}; see docs/parity.md", 501)


def _artifact(call: Call, given: Mapping[str, Any]) -> Artifact:
    """Take a template over, as it is now: what later becomes of its address does not matter."""
    url = given.get("Info", {}).get("LoadTemplateFromURL")
    _require_template(given.get("Type", views.TEMPLATE))
    if not url:
        raise invalid("Info must hold LoadTemplateFromURL.")
    try:
        text = fetch.template(call, url)
        if not given.get("DisableTemplateValidation"):
            read(text)["Resources"]
    except (AwsError, TemplateError, KeyError) as error:
        raise invalid(f"Invalid template: {error}") from error
    name = new_id("pa")
    stored = _store(call, name, text)
    return Artifact(given.get("Name", ""), given.get("Description", ""), url, stored, text, name)


def _store(call: Call, name: str, text: str) -> str:
    """Put a template where launches read it, with the tag by which launch roles may.

    https://docs.aws.amazon.com/servicecatalog/latest/adminguide/constraints-launch.html
    """
    s3, bucket = call.cloud.client("s3"), f"servicecatalog-templates-{ACCOUNT}-{call.cloud.region}"
    if bucket not in [one["Name"] for one in s3.list_buckets()["Buckets"]]:
        region = call.cloud.region
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=bucket, **where)
    key = f"{name}.template"
    s3.put_object(Bucket=bucket, Key=key, Body=text.encode(), Tagging="servicecatalog:provisioning=true")
    return f"https://{bucket}.s3.{call.cloud.region}.amazonaws.com/{key}"


@operation(SERVICE, "UpdateProduct")
def update_product(call: Call) -> dict[str, Any]:
    """Change a product."""
    kept, params = of(call.cloud), call.params
    with kept.lock:
        one = kept.product(params, "Id", "-")
        one.name, one.owner = params.get("Name", one.name), params.get("Owner", one.owner)
        one.given = {**one.given, **_given(params)}
        one.tags = retagged(one.tags, params)
    return {"ProductViewDetail": views.detail(kept, one), "Tags": one.tags}


@operation(SERVICE, "DeleteProduct")
def delete_product(call: Call) -> None:
    """Remove a product that is in no portfolio, and of which nothing is provisioned."""
    kept = of(call.cloud)
    with kept.lock:
        one = kept.product(call.params, "Id", "-")
        if any(one.id in portfolio.products for portfolio in kept.portfolios.values()):
            raise in_use(f"Product {one.id} is associated with a portfolio; disassociate it first.")
        del kept.products[one.id]


@operation(SERVICE, "DescribeProductAsAdmin")
def describe_product_as_admin(call: Call) -> dict[str, Any]:
    """Describe a product to who owns it."""
    kept = of(call.cloud)
    one = kept.product(call.params, "Id", "Name")
    versions = []
    for each in one.artifacts.values():
        found = {key: value for key, value in views.version(each).items() if key != "Guidance"}
        versions.append({**found, "ProvisioningArtifactMetadata": {"SourceProvisioningArtifactId": each.id}})
    detail = views.detail(kept, one)
    return {"ProductViewDetail": detail, "ProvisioningArtifactSummaries": versions, "Tags": one.tags, "TagOptions": []}


@operation(SERVICE, "DescribeProduct")
def describe_product(call: Call) -> dict[str, Any]:
    """Describe a product to who may use it."""
    kept = of(call.cloud)
    one = kept.product(call.params, "Id", "Name")
    paths = kept.paths(one, caller(call))
    if not paths:
        raise missing("Product", one.id)
    return {
        "ProductViewSummary": views.summary(one, default_path=len(paths) == 1),
        "ProvisioningArtifacts": [views.version(each) for each in one.artifacts.values() if each.active],
        "Budgets": [],
        "LaunchPaths": [{"Id": path.id, "Name": path.portfolio.name} for path in paths],
    }


@operation(SERVICE, "SearchProducts")
def search_products(call: Call) -> dict[str, Any]:
    """List the products that the caller may use; they need a version that is active."""
    kept, found = of(call.cloud), []
    for one in list(kept.products.values()):
        paths = kept.paths(one, caller(call))
        if paths and any(each.active for each in one.artifacts.values()) and _matches(one, call.params):
            found.append(views.summary(one, default_path=len(paths) == 1))
    return {"ProductViewSummaries": found, "ProductViewAggregations": _counted(found)}


@operation(SERVICE, "SearchProductsAsAdmin")
def search_products_as_admin(call: Call) -> dict[str, Any]:
    """List all products."""
    kept, portfolio = of(call.cloud), call.params.get("PortfolioId")
    among = kept.portfolio(portfolio).products if portfolio else list(kept.products)
    found = [one for one in list(kept.products.values()) if one.id in among and _matches(one, call.params)]
    return {"ProductViewDetails": [views.detail(kept, one) for one in found]}


def _matches(one: Product, params: Mapping[str, Any]) -> bool:
    """Hold a product to a search's filters: each is met by one of its values."""
    texts = {
        "FullTextSearch": " ".join([one.name, one.owner, *one.given.values()]).lower(),
        "Owner": one.owner.lower(),
        "ProductType": views.TEMPLATE.lower(),
        "SourceProductId": one.id,
    }
    filters: Mapping[str, list[str]] = params.get("Filters") or {}
    return all(any(value.lower() in texts.get(name, "") for value in values) for name, values in filters.items())


def _counted(found: list[dict[str, Any]]) -> dict[str, Any]:
    made = {}
    for member in ("Owner", "Type"):
        values = [one[member] for one in found]
        counts = [{"Value": value, "ApproximateCount": values.count(value)} for value in sorted(set(values))]
        made["ProductType" if member == "Type" else member] = counts
    return made


@operation(SERVICE, "ListLaunchPaths")
def list_launch_paths(call: Call) -> dict[str, Any]:
    """List the ways to a product that the caller has."""
    kept = of(call.cloud)
    return {"LaunchPathSummaries": [views.path(one) for one in kept.paths(kept.product(call.params), caller(call))]}


@operation(SERVICE, "CreateProvisioningArtifact")
def create_provisioning_artifact(call: Call) -> dict[str, Any]:
    """Add a version to a product."""
    kept, params = of(call.cloud), call.params
    product = kept.product(params)

    def make() -> Artifact:
        if len(product.artifacts) >= VERSIONS:
            raise AwsError("LimitExceededException", f"A product has at most {VERSIONS} versions.")
        made = _artifact(call, params["Parameters"])
        return product.artifacts.setdefault(made.id, made)

    made = kept.once("artifact", f"{product.id} {params['IdempotencyToken']}", make)
    return _described(made)


def _described(one: Artifact) -> dict[str, Any]:
    return {
        "ProvisioningArtifactDetail": views.artifact(one),
        "Info": {"TemplateUrl": one.template},
        "Status": "AVAILABLE",
    }


@operation(SERVICE, "DescribeProvisioningArtifact")
def describe_provisioning_artifact(call: Call) -> dict[str, Any]:
    """Describe a version."""
    kept = of(call.cloud)
    one = kept.artifact(kept.product(call.params), call.params)
    if not call.params.get("IncludeProvisioningArtifactParameters"):
        return _described(one)
    return {**_described(one), "ProvisioningArtifactParameters": _parameters(one)}


@operation(SERVICE, "UpdateProvisioningArtifact")
def update_provisioning_artifact(call: Call) -> dict[str, Any]:
    """Rename a version, or deprecate it, or take it away from new projects."""
    kept, params = of(call.cloud), call.params
    with kept.lock:
        one = kept.artifact(kept.product(params), {"ProvisioningArtifactId": params["ProvisioningArtifactId"]})
        one.name, one.description = params.get("Name", one.name), params.get("Description", one.description)
        one.active, one.guidance = params.get("Active", one.active), params.get("Guidance", one.guidance)
    return _described(one)


@operation(SERVICE, "DeleteProvisioningArtifact")
def delete_provisioning_artifact(call: Call) -> None:
    """Remove a version; the last one stays."""
    kept, params = of(call.cloud), call.params
    with kept.lock:
        product = kept.product(params)
        one = kept.artifact(product, params)
        if len(product.artifacts) == 1:
            raise in_use("The last version of a product cannot be deleted.")
        del product.artifacts[one.id]


@operation(SERVICE, "ListProvisioningArtifacts")
def list_provisioning_artifacts(call: Call) -> dict[str, Any]:
    """List a product's versions."""
    product = of(call.cloud).product(call.params)
    return {"ProvisioningArtifactDetails": [views.artifact(one) for one in product.artifacts.values()]}


@operation(SERVICE, "DescribeProvisioningParameters")
def describe_provisioning_parameters(call: Call) -> dict[str, Any]:
    """Describe what a version asks for."""
    kept = of(call.cloud)
    product = kept.product(call.params)
    one = kept.artifact(product, call.params)
    path = chosen_path(kept, product, call)
    constraints = views.path(path)["ConstraintSummaries"]
    outputs = [
        views.filled({"Key": key, "Description": given.get("Description")})
        for key, given in (read(one.text).get("Outputs") or {}).items()
    ]
    return {
        "ProvisioningArtifactParameters": _parameters(one),
        "ConstraintSummaries": constraints,
        "UsageInstructions": [{"Type": "launchAsRole", "Value": path.role_arn}] if path.role_arn else [],
        "TagOptions": [],
        "ProvisioningArtifactOutputKeys": outputs,
    }


def chosen_path(kept: Catalogue, product: Product, call: Call) -> Any:  # noqa: ANN401 (a Path)
    """Give the way that a request names, or the only one.

    https://docs.aws.amazon.com/servicecatalog/latest/dg/API_ProvisionProduct.html

    Raises:
        AwsError: none, no such way, or several and none named.
    """
    paths, wanted, name = kept.paths(product, caller(call)), call.params.get("PathId"), call.params.get("PathName")
    found = [one for one in paths if wanted in (None, one.id) and name in (None, one.portfolio.name)]
    if not found:
        raise missing("No launch paths found for resource:", product.id)
    if len(found) > 1:
        raise invalid("The product has more than one launch path; specify PathId or PathName.")
    return found[0]


CONSTRAINTS = ("AllowedPattern", "ConstraintDescription", "MaxLength", "MinLength", "MaxValue", "MinValue")


def _parameters(one: Artifact) -> list[dict[str, Any]]:
    found = []
    for name, rule in (read(one.text).get("Parameters") or {}).items():
        constraints: dict[str, Any] = {"AllowedValues": [str(each) for each in rule.get("AllowedValues", [])]}
        constraints |= {key: str(rule[key]) for key in CONSTRAINTS if key in rule}
        given = {"ParameterKey": name, "ParameterType": rule["Type"], "IsNoEcho": bool(rule.get("NoEcho"))}
        given |= {"DefaultValue": str(rule["Default"])} if "Default" in rule else {}
        given |= {"Description": rule["Description"]} if "Description" in rule else {}
        found.append({**given, "ParameterConstraints": constraints})
    return found
