"""Steps 7 and 10: endpoints: each is a process that serves the model over HTTP; updates drop no request."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from sagemaker_rehearsal.sagemaker.lists import PAGES, listed
from sagemaker_rehearsal.sagemaker.worker import Worker, WorkerError
from sagemaker_rehearsal.server.errors import AwsError, invalid
from sagemaker_rehearsal.server.service import Call, Host, operation

DRAIN_SECONDS = 60.0  # the longest that a request may take


@dataclass
class Endpoint:
    """One endpoint with its serving process."""

    name: str
    arn: str
    config: str
    status: str
    variants: list[dict[str, Any]]
    tags: list[dict[str, str]]
    created: datetime
    modified: datetime
    reason: str = ""
    worker: Worker | None = None
    waiting: list[Worker] = field(default_factory=list)

    def describe(self) -> dict[str, Any]:
        """Return the endpoint as DescribeEndpoint does."""
        members = {
            "EndpointName": self.name,
            "EndpointArn": self.arn,
            "EndpointConfigName": self.config,
            "ProductionVariants": [_variant(variant) for variant in self.variants],
            "EndpointStatus": self.status,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
        }
        return {**members, **({"FailureReason": self.reason} if self.reason else {})}


def _variant(variant: Mapping[str, Any]) -> dict[str, Any]:
    size = variant.get("ServerlessConfig")
    serverless = {"CurrentServerlessConfig": size} if size else {}
    return {"VariantName": variant["VariantName"], "CurrentWeight": 1.0, "DesiredWeight": 1.0, **serverless}


class Endpoints:
    """All endpoints of the cloud."""

    def __init__(self, cloud: Host) -> None:
        self._cloud = cloud
        self._lock = threading.RLock()
        self._by_name: dict[str, Endpoint] = {}

    def get(self, name: str) -> Endpoint:
        """Return an endpoint.

        Raises:
            AwsError: when it does not exist, in SageMaker's wording.
        """
        with self._lock:
            if name not in self._by_name:
                raise invalid(f'Could not find endpoint "{name}".')
            return self._by_name[name]

    def all(self) -> list[Endpoint]:
        """Return all endpoints, sorted by name."""
        with self._lock:
            return [self._by_name[name] for name in sorted(self._by_name)]

    def create(self, endpoint: Endpoint, variants: list[dict[str, Any]]) -> None:
        """Add an endpoint and start its process in the background."""
        with self._lock:
            if endpoint.name in self._by_name:
                raise invalid(f'Cannot create already existing endpoint "{endpoint.arn}".')
            self._by_name[endpoint.name] = endpoint
        self._in_background(self._switch, endpoint, endpoint.config, variants, "Failed")

    def update(self, endpoint: Endpoint, config: str, variants: list[dict[str, Any]]) -> None:
        """Start a second process, switch to it, and stop the first one after its running requests."""
        with self._lock:
            if endpoint.status not in ("InService", "Failed"):
                raise invalid(f'Cannot update in-progress endpoint "{endpoint.arn}".')
            endpoint.status = "Updating"
        # as on AWS, an update that fails leaves the old configuration in service
        self._in_background(self._switch, endpoint, config, variants, "InService" if endpoint.worker else "Failed")

    def delete(self, name: str) -> None:
        """Delete an endpoint; its process ends after the running requests."""
        with self._lock:
            endpoint = self.get(name)
            endpoint.status = "Deleting"
            del self._by_name[name]
            worker, endpoint.worker = endpoint.worker, None
        if worker:
            self._in_background(_retire, worker)

    @contextmanager
    def serving(self, name: str) -> Iterator[Worker]:
        """Yield an endpoint's process, which is not stopped during the request.

        Raises:
            AwsError: when there is none, in the runtime's wording.
        """
        with self._lock:
            endpoint = self._by_name.get(name)
            if endpoint is None:
                raise AwsError("ValidationError", f"Endpoint {name} of account 123456789012 not found.")
            worker = endpoint.worker
            if worker is None:
                raise AwsError("ValidationError", f"Endpoint {name} is {endpoint.status}, not InService.")
            worker.requests += 1
        try:
            yield worker
        finally:
            with self._lock:
                worker.requests -= 1

    def _switch(self, endpoint: Endpoint, config: str, variants: list[dict[str, Any]], otherwise: str) -> None:
        try:
            new = Worker.start(self._cloud, endpoint.name, variants[0])
        except (AwsError, WorkerError, ClientError, OSError, RuntimeError) as error:
            with self._lock:
                endpoint.status, endpoint.reason, endpoint.modified = otherwise, str(error)[:1024], datetime.now(UTC)
            return
        with self._lock:
            old, endpoint.worker = endpoint.worker, new
            endpoint.config, endpoint.variants, endpoint.reason = config, variants, ""
            endpoint.status, endpoint.modified = "InService", datetime.now(UTC)
            gone = self._by_name.get(endpoint.name) is not endpoint
        if old:
            _retire(old)
        if gone:  # deleted while it was starting
            _retire(new)

    def _in_background(self, task: Callable[..., None], *arguments: object) -> None:
        threading.Thread(target=task, args=arguments, daemon=True).start()


def of(cloud: Host) -> Endpoints:
    """Return a cloud's endpoints."""
    return cloud.state_of(Endpoints)


def tags_of(cloud: Host, arn: str) -> dict[str, str] | None:
    """Return an endpoint's tags; None for other resources, whose tags moto stores."""
    endpoint = next((endpoint for endpoint in of(cloud).all() if endpoint.arn == arn), None)
    return {tag["Key"]: tag["Value"] for tag in endpoint.tags} if endpoint else None


def _retire(worker: Worker) -> None:
    deadline = time.monotonic() + DRAIN_SECONDS
    while worker.requests and time.monotonic() < deadline:
        time.sleep(0.02)
    worker.stop()


def _variants(call: Call, config: str) -> list[dict[str, Any]]:
    try:
        config_details = call.cloud.client("sagemaker").describe_endpoint_config(EndpointConfigName=config)
    except ClientError as error:
        raise invalid(
            f'Could not find endpoint configuration "{call.arn("endpoint-config", config.lower())}".'
        ) from error
    return list(config_details["ProductionVariants"])


@operation("sagemaker", "CreateEndpoint")
def create_endpoint(call: Call) -> dict[str, Any]:
    """Create an endpoint; it is Creating until its process is healthy."""
    name, config = call.params["EndpointName"], call.params["EndpointConfigName"]
    variants, now = _variants(call, config), datetime.now(UTC)
    arn = call.arn("endpoint", name.lower())
    tags = list(call.params.get("Tags", []))
    of(call.cloud).create(Endpoint(name, arn, config, "Creating", variants, tags, now, now), variants)
    return {"EndpointArn": arn}


@operation("sagemaker", "UpdateEndpoint")
def update_endpoint(call: Call) -> dict[str, Any]:
    """Switch an endpoint to another configuration without dropping a request."""
    endpoint, config = of(call.cloud).get(call.params["EndpointName"]), call.params["EndpointConfigName"]
    of(call.cloud).update(endpoint, config, _variants(call, config))
    return {"EndpointArn": endpoint.arn}


@operation("sagemaker", "DeleteEndpoint")
def delete_endpoint(call: Call) -> None:
    """Delete an endpoint."""
    of(call.cloud).delete(call.params["EndpointName"])


@operation("sagemaker", "DescribeEndpoint")
def describe_endpoint(call: Call) -> dict[str, Any]:
    """Describe an endpoint."""
    return of(call.cloud).get(call.params["EndpointName"]).describe()


@operation("sagemaker", "ListEndpoints")
def list_endpoints(call: Call) -> dict[str, Any]:
    """List the endpoints that match the filters."""
    names = ("EndpointName", "EndpointArn", "CreationTime", "LastModifiedTime", "EndpointStatus")
    described = [endpoint.describe() for endpoint in of(call.cloud).all()]
    rows = [{name: row[name] for name in names} for row in described]
    fields = {"Name": "EndpointName", "Status": "EndpointStatus"}
    return listed(call, "Endpoints", rows, fields | {name: name for name in names[2:4]}, size=10)


@operation("sagemaker", "ListTags")
def list_tags(call: Call) -> dict[str, Any]:
    """List an endpoint's tags; moto lists those of other resources."""
    for endpoint in of(call.cloud).all():
        if endpoint.arn == call.params["ResourceArn"]:
            return PAGES.page(call, "Tags", endpoint.tags)
    return call.to_moto()
