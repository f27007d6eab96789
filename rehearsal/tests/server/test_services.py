"""What the services of an account offer: all that their modules mark, each thing once, and nothing by an import."""

from __future__ import annotations

import importlib
import pkgutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sagemaker_rehearsal
from sagemaker_rehearsal.account import SERVICES
from sagemaker_rehearsal.cloudformation.api_type import ApiType
from sagemaker_rehearsal.cloudformation.resources import ResourceType
from sagemaker_rehearsal.server import Cloud
from sagemaker_rehearsal.server.service import Call, Host, Service, operation

PARTS = ("sagemaker_rehearsal.autopilot", "sagemaker_rehearsal.datawrangler", "sagemaker_rehearsal.serving")


def functions() -> Iterator[Any]:
    """Yield what the modules of the engine's services define."""
    for module in pkgutil.walk_packages(sagemaker_rehearsal.__path__, "sagemaker_rehearsal."):
        if not module.name.startswith(PARTS) and not module.name.endswith(("__main__", "bootstrap")):
            yield from vars(importlib.import_module(module.name)).values()


def test_every_marked_operation_is_offered() -> None:
    marked = {key for function in functions() for key in getattr(function, "answers", ())}
    offered = {key for service in SERVICES for key in service.operations if key[0] != "lambda"}
    assert {key for key in marked if key[0] != "lambda"} == offered


def test_every_resource_type_is_offered() -> None:
    defined = {kind for kind in functions() if isinstance(kind, type) and issubclass(kind, ResourceType)}
    offered = {type(kind) for service in SERVICES for kind in service.resource_types}
    assert defined - {ResourceType} == offered
    assert ApiType in offered


def test_no_two_services_offer_the_same() -> None:
    offered = [key for service in SERVICES for key in (*service.operations, *service.validators, *service.routes)]
    offered += [kind.name for service in SERVICES for kind in service.resource_types]
    assert [key for key, times in Counter(offered).items() if times > 1] == []


def test_a_cloud_answers_what_its_services_offer_and_nothing_else(tmp_path: Path) -> None:
    """All rooms are imported by now."""

    @operation("sqs", "ListQueues")
    def listed(call: Call) -> dict[str, Any]:
        return {}

    cloud = Cloud(tmp_path, services=[Service("own", operations={("sqs", "ListQueues"): listed})])
    assert (cloud.operations, cloud.resource_types, cloud.checks) == ({("sqs", "ListQueues"): listed}, {}, [])
    assert Cloud(tmp_path).operations == {}


def test_a_cloud_keeps_the_state_of_each_service_once(tmp_path: Path) -> None:
    class Kept:
        def __init__(self, cloud: Host) -> None:
            self.cloud = cloud

    one, other = Cloud(tmp_path), Cloud(tmp_path)
    assert one.state_of(Kept) is one.state_of(Kept)
    assert (one.state_of(Kept).cloud, one.state_of(Kept) is other.state_of(Kept)) == (one, False)
