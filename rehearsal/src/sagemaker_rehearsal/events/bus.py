"""Steps 3, 4 and 6: the default event bus: records events and delivers them to the targets of matching rules."""

from __future__ import annotations

import json
import logging
import threading
import uuid
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from moto.events.models import events_backends

from sagemaker_rehearsal.events import delivery, patterns
from sagemaker_rehearsal.server import backends
from sagemaker_rehearsal.server.service import ACCOUNT, Host

Event = dict[str, Any]
KEPT_EVENTS = 10_000
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rule:
    """A rule, with its targets as in PutTargets."""

    name: str
    arn: str
    targets: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Delivery:
    """The delivery of one event to one target.

    Attributes:
        event: the event's id.
        rule: the name of the rule that matched.
        target: the target's ARN.
        error: why it was not delivered; empty when it was.
    """

    event: str
    rule: str
    target: str
    error: str


class Bus:
    """The events of one cloud."""

    def __init__(self, cloud: Host) -> None:
        self._cloud = cloud
        self._lock = threading.Lock()
        self.events: deque[Event] = deque(maxlen=KEPT_EVENTS)
        self.deliveries: deque[Delivery] = deque(maxlen=KEPT_EVENTS)

    def put(self, event: Event) -> None:
        """Record an event, and deliver it to each target of the matching rules in a thread of its own."""
        with self._lock:
            self.events.append(event)
            self._write(event)
        for rule in matching(self._cloud, event):
            for target in rule.targets:
                arguments = (event, rule, target)
                threading.Thread(target=self._deliver, args=arguments, name=f"event-{rule.name}", daemon=True).start()

    def _deliver(self, event: Event, rule: Rule, target: Mapping[str, Any]) -> None:
        try:
            error = delivery.deliver(self._cloud, event, rule.name, rule.arn, target)
        except Exception as fault:  # a defect of the rehearsal must show in the log and in the delivery
            if self._cloud.processes.stopped:
                return
            log.exception("event %s for %s", event["id"], target["Arn"])
            error = repr(fault)
        with self._lock:
            self.deliveries.append(Delivery(event["id"], rule.name, target["Arn"], error))

    def _write(self, event: Event) -> None:
        path = self._cloud.state / "logs" / "events.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(event) + "\n")


@backends.serialised
def matching(cloud: Host, event: Event) -> list[Rule]:
    """Return the enabled rules of the default bus whose pattern an event matches."""
    rules = list(events_backends[ACCOUNT][cloud.region].event_buses["default"].rules.values())
    enabled = [rule for rule in rules if rule.state == "ENABLED" and rule.event_pattern.dump()]
    return [
        Rule(rule.name, rule.arn, tuple(dict(target) for target in rule.targets))
        for rule in enabled
        if patterns.matches(parsed(rule.event_pattern.dump()), event)
    ]


@lru_cache(maxsize=4096)
def parsed(pattern: str) -> patterns.Pattern:
    """Parse a pattern, which PutRule has validated."""
    return patterns.parse(pattern)


def of(cloud: Host) -> Bus:
    """Return a cloud's bus."""
    return cloud.state_of(Bus)


def publish(cloud: Host, source: str, detail_type: str, detail: dict[str, Any], resources: Sequence[str]) -> None:
    """Publish an event of an AWS service on the default bus; it is delivered in the background.

    Args:
        cloud: the embedded cloud.
        source: the service, e.g. `aws.codecommit`.
        detail_type: e.g. `CodeCommit Repository State Change`.
        detail: as AWS documents it for this event.
        resources: the ARNs of the event's resources.
    """
    of(cloud).put(envelope(cloud.region, source, detail_type, detail, resources))


def envelope(
    region: str, source: str, detail_type: str, detail: Mapping[str, Any], resources: Sequence[str],
    time: datetime | None = None,
) -> Event:  # fmt: skip
    """Return an event with the envelope that every event of EventBridge has.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
    """
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": detail_type,
        "source": source,
        "account": ACCOUNT,
        "time": (time or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": region,
        "resources": list(resources),
        "detail": dict(detail),
    }
