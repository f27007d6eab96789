"""Steps 4 to 10: the embedded AWS: moto behind our own front, on 127.0.0.1, in threads of this process."""

import functools
import logging
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import TracebackType
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import ThreadedWSGIServer

from sagemaker_rehearsal.processes import Processes
from sagemaker_rehearsal.server import clients
from sagemaker_rehearsal.server.app import Front
from sagemaker_rehearsal.server.service import (
    Check,
    Guard,
    Handler,
    Host,
    Named,
    RoleKeys,
    Route,
    Service,
    State,
    Validator,
)

_acting: ContextVar[dict[str, str] | None] = ContextVar("acting", default=None)


class _Server(ThreadedWSGIServer):
    daemon_threads = True
    request_queue_size = 512


class _Quiet(MotoRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, *_: Any) -> None:  # noqa: ANN401 (werkzeug's signature)
        """Requests are not news."""

    def log(self, kind: str, message: str, *arguments: Any) -> None:  # noqa: ANN401 (werkzeug's signature)
        """Send the server's own messages where ours go."""
        logging.getLogger("sagemaker_rehearsal.server").debug(message, *arguments)


class Cloud:
    """An AWS of its own for one rehearsal; leaving the context stops every server and process.

    Args:
        state: folder for models, job folders and logs; a temporary one, removed at the end, when None.
        region: what clients are told to use.
        port: 0 takes a free one.
        services: what it answers itself; moto answers the rest.
        options: settings for operations, e.g. `cold_start_seconds`, `idle_seconds`.
    """

    def __init__(
        self,
        state: Path | None = None,
        region: str = "us-east-1",
        port: int = 0,
        services: Sequence[Service] = (),
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self._temporary = None if state else tempfile.mkdtemp(prefix="rehearsal-")
        self.state = Path(state or str(self._temporary)).resolve()
        self.region = region
        self.options = dict(options or {})
        self.processes = Processes()
        self.guard: Guard | None = None
        self._services = tuple(services)
        self.operations: dict[tuple[str, str], Handler] = {}
        self.validators: dict[str, Validator] = {}
        self.checks: list[Check] = []
        self.resource_types: dict[str, Named] = {}
        self.routes: dict[str, Route] = {}
        self.session_keys: RoleKeys | None = None
        for service in services:
            self._add(service)
        self._kept: dict[Any, Any] = {}
        self._keeping = threading.RLock()
        self._front = Front(self)
        self._port = port
        self._server: _Server | None = None

    def _add(self, service: Service) -> None:
        self.operations.update(service.operations)
        self.validators.update(service.validators)
        self.checks.extend(service.checks)
        self.resource_types.update({kind.name: kind for kind in service.resource_types})
        self.routes.update(service.routes)
        self.session_keys = service.role_keys or self.session_keys

    def __enter__(self) -> "Cloud":
        """Start to answer."""
        _reset_moto()
        self.state.mkdir(parents=True, exist_ok=True)
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server = _Server("127.0.0.1", self._port, self._front, handler=_Quiet)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything that was started."""
        for service in self._services:
            service.stop(self)
        self.processes.stop()
        if self._server:
            self._server.shutdown()
            self._server.server_close()
        if self._temporary:
            shutil.rmtree(self._temporary, ignore_errors=True)

    @property
    def url(self) -> str:
        """Where clients find it."""
        assert self._server is not None, "enter the cloud's context first"  # noqa: S101
        return f"http://127.0.0.1:{self._server.server_port}"

    def environment(self) -> dict[str, str]:
        """The variables that point unmodified AWS clients here, and nowhere else."""
        return clients.environment(self.url, self.region)

    def client(self, service: str, **config: Any) -> Any:  # noqa: ANN401 (boto3 clients have no type)
        """A boto3 client for this cloud: the administrator's, or within `acting` that of whoever acts."""
        return clients.client(self.url, self.region, service, _acting.get(), **config)

    def state_of(self, factory: Callable[[Host], State]) -> State:
        """Return what a service keeps for this cloud; the factory makes it when it is first asked for."""
        with self._keeping:
            if factory not in self._kept:
                self._kept[factory] = factory(self)
            state: State = self._kept[factory]
            return state

    def role_keys(self, role_arn: str | None, name: str, service: str) -> Mapping[str, str] | None:
        """Return the keys of a role's session; None where there is no role, or no service that starts sessions."""
        return self.session_keys(self, role_arn, name, service) if role_arn and self.session_keys else None

    def tags_of(self, arn: str) -> Mapping[str, str] | None:
        """Return the tags of a resource that one of our services keeps; None for the others."""
        answers = (service.tags_of(self, arn) for service in self._services if service.tags_of)
        return next((tags for tags in answers if tags is not None), None)

    @contextmanager
    def acting(self, keys: Mapping[str, str] | None) -> Iterator[None]:
        """Make requests of this thread as somebody else, as a service does with its caller's or a role's session.

        Args:
            keys: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and perhaps AWS_SESSION_TOKEN; None for the administrator.
        """
        before = _acting.set(dict(keys) if keys else None)
        try:
            yield
        finally:
            _acting.reset(before)


def _reset_moto() -> None:
    """Begin with an empty account, also when this process had a cloud before."""
    from moto.core.base_backend import BackendDict

    BackendDict.reset()


def _keep_moto_from_judging() -> None:
    """Let moto keep bucket policies, but decide nothing by them: it does not read their conditions.

    The policy that every bucket should have, `Deny` without TLS, would deny everything.
    """
    from moto.iam.access_control import PermissionResult
    from moto.s3.models import FakeBucket

    @functools.wraps(FakeBucket.get_permission)
    def undecided(*_: object) -> PermissionResult:
        return PermissionResult.NEUTRAL

    FakeBucket.get_permission = undecided  # type: ignore[assignment, method-assign]


_keep_moto_from_judging()
