"""Steps 2 and 3: provision, update, terminate and describe products.

https://docs.aws.amazon.com/servicecatalog/latest/dg/API_ProvisionProduct.html
"""

from collections.abc import Mapping
from typing import Any

from sagemaker_rehearsal.cloudformation.reading import read
from sagemaker_rehearsal.iam import identity
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.service import Call, operation
from sagemaker_rehearsal.servicecatalog import launch, views
from sagemaker_rehearsal.servicecatalog.products import choose_path
from sagemaker_rehearsal.servicecatalog.state import (
    PAGES,
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


def _record_response(entry: tuple[Record, Provisioned]) -> dict[str, Any]:
    return {"RecordDetail": views.record(*entry)}


@operation(SERVICE, "ProvisionProduct")
def provision_product(call: Call) -> dict[str, Any]:
    """Create a product's stack as the launch role; the record holds the progress."""
    catalogue, params = of(call.cloud), call.params
    for unsupported in ("NotificationArns", "ProvisioningPreferences"):
        if params.get(unsupported):
            raise AwsError("NotImplemented", f"The rehearsal has no {unsupported}; see docs/parity.md", 501)

    def make() -> tuple[Record, Provisioned]:
        product = catalogue.product(params)
        path = choose_path(catalogue, product, call)
        artifact = catalogue.artifact(product, params)
        if not artifact.active:
            raise invalid(f"Provisioning artifact {artifact.id} is not active.")
        if any(
            provisioned.name == params["ProvisionedProductName"] for provisioned in list(catalogue.provisioned.values())
        ):
            name = params["ProvisionedProductName"]
            raise AwsError("DuplicateResourceException", f"A provisioned product named {name} already exists.")
        return _provision(call, catalogue, product, artifact, path)

    entry: tuple[Record, Provisioned] = catalogue.once("provision", params["ProvisionToken"], make)
    return _record_response(entry)


def _provision(
    call: Call, catalogue: Catalogue, product: Product, artifact: Artifact, path: Path
) -> tuple[Record, Provisioned]:
    params = call.params
    provisioned = Provisioned(
        name=params["ProvisionedProductName"],
        product=product.id,
        artifact=artifact.id,
        path=path.id,
        role_arn=path.role_arn,
        parameters={
            parameter["Key"]: parameter.get("Value", "") for parameter in params.get("ProvisioningParameters") or []
        },
        tags=_merge_tags(path.portfolio.tags, product.tags, params.get("Tags") or []),
        user=identity.principal_of(call.access_key).arn,
        token=params["ProvisionToken"],
    )
    record = _add_record(catalogue, provisioned, launch.PROVISION)
    catalogue.provisioned[provisioned.id] = provisioned
    tags = _stack_tags(catalogue, provisioned, path)
    launch.start(
        call.cloud,
        provisioned,
        record,
        lambda client: launch.make(client, provisioned, record, artifact.template, tags),
        call.keys,
    )
    return record, provisioned


def _add_record(catalogue: Catalogue, of_product: Provisioned, kind: str) -> Record:
    provisioned = of_product
    record = Record(
        kind, provisioned.product, provisioned.artifact, provisioned.path, provisioned.role_arn, provisioned.tags
    )
    provisioned.records.append(record)
    catalogue.records[record.id] = (record, provisioned)
    return record


def _stack_tags(catalogue: Catalogue, provisioned: Provisioned, path: Path) -> Tags:
    """Return the stack's tags: those of product, portfolio and request, and Service Catalog's AutoTags.

    https://docs.aws.amazon.com/servicecatalog/latest/adminguide/autotags.html
    """
    own = {
        "aws:servicecatalog:portfolioArn": catalogue.arn("portfolio", path.portfolio.id),
        "aws:servicecatalog:productArn": catalogue.arn("product", provisioned.product),
        "aws:servicecatalog:provisioningPrincipalArn": provisioned.user,
        "aws:servicecatalog:provisioningArtifactIdentifier": provisioned.artifact,
    }
    return _merge_tags(provisioned.tags, [{"Key": key, "Value": value} for key, value in own.items()])


def _merge_tags(*groups: Tags) -> Tags:
    """Merge tags; the last value of a key wins."""
    values = {tag["Key"]: tag["Value"] for tags in groups for tag in tags}
    return [{"Key": key, "Value": value} for key, value in values.items()]


def find(catalogue: Catalogue, params: Mapping[str, Any], by_id: str, by_name: str) -> Provisioned:
    """Return a provisioned product by id or name.

    Raises:
        AwsError: not exactly one of both is given, or there is no such product.
    """
    provisioned_id, name = params.get(by_id), params.get(by_name)
    if bool(provisioned_id) == bool(name):
        raise invalid(f"Exactly one of {by_id} and {by_name} must be specified.")
    matches = [
        provisioned
        for provisioned in list(catalogue.provisioned.values())
        if provisioned_id in (None, provisioned.id) and name in (None, provisioned.name)
    ]
    if not matches:
        raise missing("Provisioned product", provisioned_id or name)
    return matches[0]


@operation(SERVICE, "UpdateProvisionedProduct")
def update_provisioned_product(call: Call) -> dict[str, Any]:
    """Update the stack's version or parameters as the launch role."""
    catalogue, params = of(call.cloud), call.params

    def make() -> tuple[Record, Provisioned]:
        provisioned = find(catalogue, params, "ProvisionedProductId", "ProvisionedProductName")
        if provisioned.status not in ("AVAILABLE", "TAINTED"):
            raise invalid(f"The provisioned product {provisioned.id} is {provisioned.status} and cannot be updated.")
        product = catalogue.product({"ProductId": params.get("ProductId") or provisioned.product})
        named = {key: params.get(key) for key in ("ProvisioningArtifactId", "ProvisioningArtifactName")}
        artifact = catalogue.artifact(
            product, named if any(named.values()) else {"ProvisioningArtifactId": provisioned.artifact}
        )
        return _update(call, catalogue, provisioned, product, artifact)

    entry: tuple[Record, Provisioned] = catalogue.once("update", params["UpdateToken"], make)
    return _record_response(entry)


def _update(
    call: Call, catalogue: Catalogue, provisioned: Provisioned, product: Product, artifact: Artifact
) -> tuple[Record, Provisioned]:
    path = choose_path(catalogue, product, call)
    values = _values(call.params.get("ProvisioningParameters") or [], provisioned.parameters, artifact)
    record = _add_record(catalogue, provisioned, launch.UPDATE)
    record.product, record.artifact, record.path, record.role_arn = product.id, artifact.id, path.id, path.role_arn

    def work(client: Any) -> None:  # noqa: ANN401 (boto3 clients have no type)
        launch.change(client, provisioned, record, artifact.template, values)
        provisioned.product, provisioned.artifact, provisioned.parameters = product.id, artifact.id, values
        provisioned.path, provisioned.role_arn = path.id, path.role_arn

    launch.start(call.cloud, provisioned, record, work, call.keys)
    return record, provisioned


def _values(parameters: list[dict[str, Any]], before: Mapping[str, str], artifact: Artifact) -> dict[str, str]:
    declared = read(artifact.text).get("Parameters") or {}
    values = {}
    for parameter in parameters:
        if not parameter.get("UsePreviousValue"):
            values[parameter["Key"]] = parameter.get("Value", "")
        elif parameter["Key"] in before and parameter["Key"] in declared:
            values[parameter["Key"]] = before[parameter["Key"]]
    return values


@operation(SERVICE, "TerminateProvisionedProduct")
def terminate_provisioned_product(call: Call) -> dict[str, Any]:
    """Delete the stack as the launch role, then the provisioned product."""
    catalogue, params = of(call.cloud), call.params
    if params.get("RetainPhysicalResources"):
        raise AwsError("NotImplemented", "The rehearsal has no RetainPhysicalResources; see docs/parity.md", 501)

    def make() -> tuple[Record, Provisioned]:
        provisioned = find(catalogue, params, "ProvisionedProductId", "ProvisionedProductName")
        if provisioned.status == "UNDER_CHANGE":
            raise invalid(f"The provisioned product {provisioned.id} is UNDER_CHANGE and cannot be terminated.")
        record = _add_record(catalogue, provisioned, launch.TERMINATE)

        def work(client: Any) -> None:  # noqa: ANN401 (boto3 clients have no type)
            try:
                launch.remove(client, provisioned, record)
            except launch.StackError:
                if not params.get("IgnoreErrors"):
                    raise
            catalogue.provisioned.pop(provisioned.id, None)

        launch.start(call.cloud, provisioned, record, work, call.keys)
        return record, provisioned

    entry: tuple[Record, Provisioned] = catalogue.once("terminate", params["TerminateToken"], make)
    return _record_response(entry)


@operation(SERVICE, "DescribeRecord")
def describe_record(call: Call) -> dict[str, Any]:
    """Describe a request's record."""
    entry = of(call.cloud).records.get(call.params["Id"])
    if entry is None:
        raise missing("Record", call.params["Id"])
    return {**_record_response(entry), **PAGES.page(call, "RecordOutputs", entry[0].outputs)}


@operation(SERVICE, "ListRecordHistory")
def list_record_history(call: Call) -> dict[str, Any]:
    """List the records, the newest first."""
    criteria: Mapping[str, str] = call.params.get("SearchFilter") or {}
    records = [views.record(*entry) for entry in reversed(list(of(call.cloud).records.values()))]
    keys = {"product": "ProductId", "provisionedproduct": "ProvisionedProductId"}
    key = criteria.get("Key", "").lower()
    if key and key not in keys:
        raise invalid(f"Invalid SearchFilter key: {criteria['Key']}; it is product or provisionedproduct")
    rows = [record for record in records if not key or record[keys[key]] == criteria.get("Value")]
    return PAGES.page(call, "RecordDetails", rows)


@operation(SERVICE, "DescribeProvisionedProduct")
def describe_provisioned_product(call: Call) -> dict[str, Any]:
    """Describe a provisioned product."""
    catalogue = of(call.cloud)
    return {
        "ProvisionedProductDetail": views.provisioned(catalogue, find(catalogue, call.params, "Id", "Name")),
        "CloudWatchDashboards": [],
    }


@operation(SERVICE, "GetProvisionedProductOutputs")
def get_provisioned_product_outputs(call: Call) -> dict[str, Any]:
    """Return the outputs of a provisioned product's latest record that has outputs."""
    provisioned = find(of(call.cloud), call.params, "ProvisionedProductId", "ProvisionedProductName")
    outputs = next((record.outputs for record in reversed(provisioned.records) if record.outputs), [])
    keys = call.params.get("OutputKeys")
    return PAGES.page(call, "Outputs", [each for each in outputs if not keys or each["OutputKey"] in keys])


@operation(SERVICE, "SearchProvisionedProducts")
def search_provisioned_products(call: Call) -> dict[str, Any]:
    """List provisioned products of the account or of the caller."""
    catalogue, params = of(call.cloud), call.params
    level = (params.get("AccessLevelFilter") or {}).get("Key", "User")
    me = identity.principal_of(call.access_key)
    queries: list[str] = (params.get("Filters") or {}).get("SearchQuery") or []
    matches = []
    for provisioned in list(catalogue.provisioned.values()):
        seen = level == "Account" or me.kind == "administrator" or provisioned.user == me.arn
        described = _search_entry(catalogue, provisioned)
        if seen and all(_meets(described, query) for query in queries):
            matches.append(described)
    if "SortBy" in params or "SortOrder" in params:
        _sort(matches, params.get("SortBy", "createdTime"), params.get("SortOrder", "ASCENDING") == "DESCENDING")
    return {**PAGES.page(call, "ProvisionedProducts", matches), "TotalResultsCount": len(matches)}


# https://docs.aws.amazon.com/servicecatalog/latest/dg/API_SearchProvisionedProducts.html
SORTS = ("arn", "id", "name", "lastRecordId")


def _sort(matches: list[dict[str, Any]], name: str, descending: bool) -> None:
    """Sort provisioned products in place; they come in the order of their creation.

    Raises:
        AwsError: InvalidParametersException for a member that is not to be sorted by.
    """
    if name in SORTS:
        matches.sort(key=lambda row: str(row.get(name[0].upper() + name[1:], "")))
    elif name != "createdTime":
        raise invalid(f"Invalid SortBy: {name}; it is createdTime, {', '.join(SORTS)}")
    if descending:
        matches.reverse()


def _search_entry(catalogue: Catalogue, provisioned: Provisioned) -> dict[str, Any]:
    product = catalogue.products.get(provisioned.product)
    artifact = product.artifacts.get(provisioned.artifact) if product else None
    names = {"ProductName": product.name if product else ""}
    names["ProvisioningArtifactName"] = artifact.name if artifact else ""
    described = {
        key: value for key, value in views.provisioned(catalogue, provisioned).items() if key != "LaunchRoleArn"
    }
    more = {
        "Tags": provisioned.tags,
        "PhysicalId": provisioned.stack_id,
        "ProductId": provisioned.product,
        "UserArn": provisioned.user,
        **names,
    }
    return views.filled({**described, **more, "ProvisioningArtifactId": provisioned.artifact})


def _meets(described: Mapping[str, Any], query: str) -> bool:
    """Match a provisioned product with a query, `name:value` or free text."""
    name, colon, value = query.partition(":")
    texts = {key.lower(): str(each).lower() for key, each in described.items()}
    if colon:
        return value.lower() in texts.get(name.lower(), "")
    return any(query.lower() in text for text in texts.values())


@operation(SERVICE, "ScanProvisionedProducts")
def scan_provisioned_products(call: Call) -> dict[str, Any]:
    """List all provisioned products."""
    catalogue = of(call.cloud)
    rows = [views.provisioned(catalogue, provisioned) for provisioned in list(catalogue.provisioned.values())]
    return PAGES.page(call, "ProvisionedProducts", rows)
