"""Steps 2 and 3: provision a product, change it, terminate it, and tell of it.

https://docs.aws.amazon.com/servicecatalog/latest/dg/API_ProvisionProduct.html
"""

from collections.abc import Mapping
from typing import Any

from sagemaker_rehearsal.cloudformation.reading import read
from sagemaker_rehearsal.iam import identity
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.service import Call, operation
from sagemaker_rehearsal.servicecatalog import launch, views
from sagemaker_rehearsal.servicecatalog.products import chosen_path
from sagemaker_rehearsal.servicecatalog.state import (
    Artifact,
    Catalogue,
    Path,
    Product,
    Provisioned,
    Record,
    Tags,
    invalid,
    missing,
    of,
)

SERVICE = "servicecatalog"


def _answer(found: tuple[Record, Provisioned]) -> dict[str, Any]:
    return {"RecordDetail": views.record(*found)}


@operation(SERVICE, "ProvisionProduct")
def provision_product(call: Call) -> dict[str, Any]:
    """Make a stack of a product, as the launch role; the record tells how it goes."""
    kept, params = of(call.cloud), call.params
    for unsupported in ("NotificationArns", "ProvisioningPreferences"):
        if params.get(unsupported):
            raise AwsError("NotImplemented", f"The rehearsal has no {unsupported}; see docs/parity.md", 501)

    def make() -> tuple[Record, Provisioned]:
        product = kept.product(params)
        path = chosen_path(kept, product, call)
        artifact = kept.artifact(product, params)
        if not artifact.active:
            raise invalid(f"Provisioning artifact {artifact.id} is not active.")
        if any(one.name == params["ProvisionedProductName"] for one in list(kept.provisioned.values())):
            name = params["ProvisionedProductName"]
            raise AwsError("DuplicateResourceException", f"A provisioned product named {name} already exists.")
        return _provision(call, kept, product, artifact, path)

    found: tuple[Record, Provisioned] = kept.once("provision", params["ProvisionToken"], make)
    return _answer(found)


def _provision(
    call: Call, kept: Catalogue, product: Product, artifact: Artifact, path: Path
) -> tuple[Record, Provisioned]:
    params = call.params
    made = Provisioned(
        name=params["ProvisionedProductName"],
        product=product.id,
        artifact=artifact.id,
        path=path.id,
        role_arn=path.role_arn,
        parameters={one["Key"]: one.get("Value", "") for one in params.get("ProvisioningParameters") or []},
        tags=_merged(path.portfolio.tags, product.tags, params.get("Tags") or []),
        user=identity.principal_of(call.access_key).arn,
        token=params["ProvisionToken"],
    )
    record = _recorded(kept, made, launch.PROVISION)
    kept.provisioned[made.id] = made
    tags = _stack_tags(kept, made, path)
    launch.start(
        call.cloud, made, record, lambda client: launch.make(client, made, record, artifact.template, tags), call.keys
    )
    return record, made


def _recorded(kept: Catalogue, of_product: Provisioned, kind: str) -> Record:
    one = of_product
    made = Record(kind, one.product, one.artifact, one.path, one.role_arn, one.tags)
    one.records.append(made)
    kept.records[made.id] = (made, one)
    return made


def _stack_tags(kept: Catalogue, one: Provisioned, path: Path) -> Tags:
    """Give the stack's tags: those of product, portfolio and request, and Service Catalog's own.

    https://docs.aws.amazon.com/servicecatalog/latest/adminguide/autotags.html
    """
    own = {
        "aws:servicecatalog:portfolioArn": kept.arn("portfolio", path.portfolio.id),
        "aws:servicecatalog:productArn": kept.arn("product", one.product),
        "aws:servicecatalog:provisioningPrincipalArn": one.user,
        "aws:servicecatalog:provisioningArtifactIdentifier": one.artifact,
    }
    return _merged(one.tags, [{"Key": key, "Value": value} for key, value in own.items()])


def _merged(*groups: Tags) -> Tags:
    """Give one tag for each key, the last one's."""
    found = {tag["Key"]: tag["Value"] for tags in groups for tag in tags}
    return [{"Key": key, "Value": value} for key, value in found.items()]


def find(kept: Catalogue, params: Mapping[str, Any], by_id: str, by_name: str) -> Provisioned:
    """Find a provisioned product by id or name.

    Raises:
        AwsError: none, or both, or no such product.
    """
    given, name = params.get(by_id), params.get(by_name)
    if bool(given) == bool(name):
        raise invalid(f"Exactly one of {by_id} and {by_name} must be specified.")
    found = [one for one in list(kept.provisioned.values()) if given in (None, one.id) and name in (None, one.name)]
    if not found:
        raise missing("Provisioned product", given or name)
    return found[0]


@operation(SERVICE, "UpdateProvisionedProduct")
def update_provisioned_product(call: Call) -> dict[str, Any]:
    """Change the stack to another version or other parameters, as the launch role."""
    kept, params = of(call.cloud), call.params

    def make() -> tuple[Record, Provisioned]:
        one = find(kept, params, "ProvisionedProductId", "ProvisionedProductName")
        if one.status not in ("AVAILABLE", "TAINTED"):
            raise invalid(f"The provisioned product {one.id} is {one.status} and cannot be updated.")
        product = kept.product({"ProductId": params.get("ProductId") or one.product})
        named = {key: params.get(key) for key in ("ProvisioningArtifactId", "ProvisioningArtifactName")}
        artifact = kept.artifact(product, named if any(named.values()) else {"ProvisioningArtifactId": one.artifact})
        return _update(call, kept, one, product, artifact)

    found: tuple[Record, Provisioned] = kept.once("update", params["UpdateToken"], make)
    return _answer(found)


def _update(
    call: Call, kept: Catalogue, one: Provisioned, product: Product, artifact: Artifact
) -> tuple[Record, Provisioned]:
    path = chosen_path(kept, product, call)
    values = _values(call.params.get("ProvisioningParameters") or [], one.parameters, artifact)
    record = _recorded(kept, one, launch.UPDATE)
    record.product, record.artifact, record.path, record.role_arn = product.id, artifact.id, path.id, path.role_arn

    def work(client: Any) -> None:  # noqa: ANN401 (boto3 clients have no type)
        launch.change(client, one, record, artifact.template, values)
        one.product, one.artifact, one.parameters = product.id, artifact.id, values
        one.path, one.role_arn = path.id, path.role_arn

    launch.start(call.cloud, one, record, work, call.keys)
    return record, one


def _values(given: list[dict[str, Any]], before: Mapping[str, str], artifact: Artifact) -> dict[str, str]:
    declared = read(artifact.text).get("Parameters") or {}
    values = {}
    for one in given:
        if not one.get("UsePreviousValue"):
            values[one["Key"]] = one.get("Value", "")
        elif one["Key"] in before and one["Key"] in declared:
            values[one["Key"]] = before[one["Key"]]
    return values


@operation(SERVICE, "TerminateProvisionedProduct")
def terminate_provisioned_product(call: Call) -> dict[str, Any]:
    """Remove the stack, as the launch role, and then the provisioned product."""
    kept, params = of(call.cloud), call.params
    if params.get("RetainPhysicalResources"):
        raise AwsError("NotImplemented", "The rehearsal has no RetainPhysicalResources; see docs/parity.md", 501)

    def make() -> tuple[Record, Provisioned]:
        one = find(kept, params, "ProvisionedProductId", "ProvisionedProductName")
        if one.status == "UNDER_CHANGE":
            raise invalid(f"The provisioned product {one.id} is UNDER_CHANGE and cannot be terminated.")
        record = _recorded(kept, one, launch.TERMINATE)

        def work(client: Any) -> None:  # noqa: ANN401 (boto3 clients have no type)
            try:
                launch.remove(client, one, record)
            except launch.StackError:
                if not params.get("IgnoreErrors"):
                    raise
            kept.provisioned.pop(one.id, None)

        launch.start(call.cloud, one, record, work, call.keys)
        return record, one

    found: tuple[Record, Provisioned] = kept.once("terminate", params["TerminateToken"], make)
    return _answer(found)


@operation(SERVICE, "DescribeRecord")
def describe_record(call: Call) -> dict[str, Any]:
    """Tell what became of a request."""
    found = of(call.cloud).records.get(call.params["Id"])
    if found is None:
        raise missing("Record", call.params["Id"])
    return {**_answer(found), "RecordOutputs": found[0].outputs}


@operation(SERVICE, "ListRecordHistory")
def list_record_history(call: Call) -> dict[str, Any]:
    """List the requests, the last one first."""
    wanted: Mapping[str, str] = call.params.get("SearchFilter") or {}
    found = [views.record(*one) for one in reversed(list(of(call.cloud).records.values()))]
    keys = {"product": "ProductId", "provisionedproduct": "ProvisionedProductId"}
    member = keys.get(wanted.get("Key", "").lower())
    return {"RecordDetails": [one for one in found if member is None or one[member] == wanted.get("Value")]}


@operation(SERVICE, "DescribeProvisionedProduct")
def describe_provisioned_product(call: Call) -> dict[str, Any]:
    """Describe a provisioned product."""
    kept = of(call.cloud)
    return {
        "ProvisionedProductDetail": views.provisioned(kept, find(kept, call.params, "Id", "Name")),
        "CloudWatchDashboards": [],
    }


@operation(SERVICE, "GetProvisionedProductOutputs")
def get_provisioned_product_outputs(call: Call) -> dict[str, Any]:
    """Give the outputs of a provisioned product's last request that has any."""
    one = find(of(call.cloud), call.params, "ProvisionedProductId", "ProvisionedProductName")
    given = next((record.outputs for record in reversed(one.records) if record.outputs), [])
    wanted = call.params.get("OutputKeys")
    return {"Outputs": [each for each in given if not wanted or each["OutputKey"] in wanted]}


@operation(SERVICE, "SearchProvisionedProducts")
def search_provisioned_products(call: Call) -> dict[str, Any]:
    """List provisioned products, of the whole account or of the caller alone."""
    kept, params = of(call.cloud), call.params
    level = (params.get("AccessLevelFilter") or {}).get("Key", "User")
    me = identity.principal_of(call.access_key)
    queries: list[str] = (params.get("Filters") or {}).get("SearchQuery") or []
    found = []
    for one in list(kept.provisioned.values()):
        seen = level == "Account" or me.kind == "administrator" or one.user == me.arn
        described = _searched(kept, one)
        if seen and all(_meets(described, query) for query in queries):
            found.append(described)
    return {"ProvisionedProducts": found, "TotalResultsCount": len(found)}


def _searched(kept: Catalogue, one: Provisioned) -> dict[str, Any]:
    product = kept.products.get(one.product)
    artifact = product.artifacts.get(one.artifact) if product else None
    names = {"ProductName": product.name if product else ""}
    names["ProvisioningArtifactName"] = artifact.name if artifact else ""
    described = {key: value for key, value in views.provisioned(kept, one).items() if key != "LaunchRoleArn"}
    more = {"Tags": one.tags, "PhysicalId": one.stack_id, "ProductId": one.product, "UserArn": one.user, **names}
    return views.filled({**described, **more, "ProvisioningArtifactId": one.artifact})


def _meets(described: Mapping[str, Any], query: str) -> bool:
    """Hold a provisioned product to a query, `name:value` or words."""
    name, colon, value = query.partition(":")
    texts = {key.lower(): str(each).lower() for key, each in described.items()}
    if colon:
        return value.lower() in texts.get(name.lower(), "")
    return any(query.lower() in text for text in texts.values())


@operation(SERVICE, "ScanProvisionedProducts")
def scan_provisioned_products(call: Call) -> dict[str, Any]:
    """List all provisioned products."""
    kept = of(call.cloud)
    return {"ProvisionedProducts": [views.provisioned(kept, one) for one in list(kept.provisioned.values())]}
