"""What all stand-ins share: requests and answers are held to botocore's models, calls are counted, faults happen."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.paginate import Paginator, PaginatorModel
from botocore.validate import ParamValidator


class Killed(BaseException):
    """The function ended at this point: memory, time or the machine. No code of its own runs any more."""


@functools.cache
def model(service: str) -> Any:  # noqa: ANN401 - botocore has no types
    """Return botocore's description of a service."""
    return botocore.session.get_session().get_service_model(service)


@functools.cache
def pages(service: str) -> Any:  # noqa: ANN401
    """Return botocore's description of which answers come in pages, and how the next one is asked for."""
    loader = botocore.session.get_session().get_component("data_loader")
    return PaginatorModel(loader.load_service_model(service, "paginators-1"))


@functools.cache
def operations(service: str) -> dict[str, str]:
    """Return the names of a service's operations by their names in boto3."""
    return {xform_name(operation): operation for operation in model(service).operation_names}


@dataclass
class Calls:
    """The calls of all services in order, and what goes wrong with them.

    Args:
        throttle: how many calls are throttled at first.
        kill_after: the function ends when this many calls have taken effect.
        refuse: operations that are refused with this code.
    """

    made: list[str] = field(default_factory=list)
    throttle: int = 0
    kill_after: int | None = None
    refuse: dict[str, str] = field(default_factory=dict)
    on_call: Callable[[str], None] = lambda _: None
    lock: threading.RLock = field(default_factory=threading.RLock)


def refused(code: str, operation: str, message: str = "", status: int = 400) -> ClientError:
    """Return what boto3 raises when AWS refuses."""
    response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, operation)


class Service:
    """A client as boto3 makes it; `_name` in a subclass implements operation `name`."""

    service = ""

    def __init__(self, calls: Calls) -> None:
        self.calls = calls

    def __getattr__(self, name: str) -> Callable[..., dict[str, Any]]:
        if name.startswith("_"):
            raise AttributeError(name)
        return functools.partial(self._operate, name)

    def get_paginator(self, name: str) -> Paginator:
        """Return botocore's own paginator over this stand-in."""
        operation = operations(self.service)[name]
        shape = model(self.service).operation_model(operation)
        return Paginator(getattr(self, name), pages(self.service).get_paginator(operation), shape)

    def _operate(self, name: str, /, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - as boto3
        operation = operations(self.service)[name]
        shape = model(self.service).operation_model(operation)
        report = ParamValidator().validate(request, shape.input_shape)
        assert not report.has_errors(), report.generate_report()
        assert set(request) <= set(shape.input_shape.members), request
        self.calls.on_call(operation)
        with self.calls.lock:
            self._misfortune(operation)
            self.calls.made.append(operation)
            response: dict[str, Any] = getattr(self, f"_{name}")(**request) or {}
            if self.calls.kill_after is not None and len(self.calls.made) >= self.calls.kill_after:
                raise Killed(operation)
        if shape.output_shape:
            assert set(response) <= set(shape.output_shape.members), response
        return response

    def _misfortune(self, operation: str) -> None:
        if self.calls.throttle:
            self.calls.throttle -= 1
            raise refused("ThrottlingException", operation, "Rate exceeded")
        if operation in self.calls.refuse:
            raise refused(self.calls.refuse[operation], operation, "https://signin.example/?token=abc is not for you")
