"""Each private part of moto that the embedded AWS stands on, by name: when moto changes one, its test fails."""

from __future__ import annotations

import inspect
import json

import pytest
from moto.cloudformation import models, parsing, utils
from moto.core import base_backend, parse, serialize
from moto.moto_server import werkzeug_app
from moto.s3.models import FakeBucket

from sagemaker_rehearsal.cloudformation.engine import EngineStack, Resources
from sagemaker_rehearsal.server.protocols import _moto_model

TEMPLATE = json.dumps(
    {"Parameters": {"P": {"Type": "String", "Default": "x"}}, "Resources": {"A": {"Type": "T::T::T"}}}
)


def parameters(function: object) -> list[str]:
    return list(inspect.signature(function).parameters)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (werkzeug_app.DomainDispatcherApplication, ["create_app"]),
        (werkzeug_app.create_backend_app, ["service"]),
        (parsing.resource_class_from_type, ["resource_type"]),
        (parsing.resource_name_property_from_type, ["resource_type"]),
        (parsing.generate_resource_name, ["resource_type", "stack_name", "logical_id"]),
        (parsing.OutputMap, ["resources", "template", "stack_id"]),
        (utils.generate_stack_id, ["stack_name", "region", "account"]),
        (serialize.get_serializer_class, ["service_name", "protocol"]),
        (base_backend.BackendDict.reset, []),
        (FakeBucket.get_permission, ["self", "action", "resource"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_signature(function: object, expected: list[str]) -> None:
    assert parameters(function) == expected


def test_cloudformation_stack_create_resource_map_is_asked_once_and_load_resolves_parameters() -> None:
    stack = EngineStack("id", "name", TEMPLATE, {}, "123456789012", "us-east-1")
    kind = type(stack.resource_map)
    seen = (stack.resource_map["P"], stack.resource_map["A"], stack.resource_map.resources)
    assert (kind, seen) == (Resources, ("x", None, []))


def test_cloudformation_stack_add_stack_event_and_event_keep_their_form() -> None:
    stack = EngineStack("id", "name", TEMPLATE, {}, "123456789012", "us-east-1")
    stack.event(None, "CREATE_IN_PROGRESS", "User Initiated")
    stack.event(None, "CREATE_FAILED", "why", "A", "T::T::T")
    seen = [(one.logical_resource_id, one.resource_status, one.resource_status_reason) for one in stack.events]
    assert seen == [("name", "CREATE_IN_PROGRESS", "User Initiated"), ("A", "CREATE_FAILED", "why")]


def test_cloudformation_backend_keeps_stacks_exports_and_change_sets_by_name() -> None:
    backend = models.CloudFormationBackend("us-east-1", "123456789012")
    kept = ("stacks", "deleted_stacks", "exports", "change_sets")
    assert [dict(getattr(backend, name)) for name in kept] == [{}, {}, {}, {}]


def test_core_parse_protocol_parsers_read_query_requests() -> None:
    assert {"query", "rest-json"} <= set(parse.PROTOCOL_PARSERS)
    operation = _moto_model("cloudformation").operation_model("DescribeStacks")
    from werkzeug.datastructures import MultiDict

    request = {"values": MultiDict({"StackName": "s"}), "body": b"", "headers": {}, "method": "POST", "url_path": "/"}
    parsed = parse.PROTOCOL_PARSERS["query"](operation).parse({**request, "url_params": {}})  # type: ignore[arg-type]
    assert parsed == {"StackName": "s"}


def test_dispatcher_backend_url_patterns_know_hosts() -> None:
    front = werkzeug_app.DomainDispatcherApplication(werkzeug_app.create_backend_app)
    host = "http://sagemaker.us-east-1.amazonaws.com"
    assert any(pattern.match(host.replace("sagemaker.", "api.sagemaker.")) for _, pattern in front.backend_url_patterns)
