"""All steps: the two lists of the report: denied requests, and actions that were granted and never used."""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sagemaker_rehearsal.iam import attached_policies
from sagemaker_rehearsal.iam.matching import like
from sagemaker_rehearsal.iam.policy import Policy
from sagemaker_rehearsal.server.service import Host


@dataclass
class Ledger:
    """The decisions of one cloud; see `of`."""

    calls: int = 0
    allowed: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    denied: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    used: set[tuple[str, str, str, str]] = field(default_factory=set)
    roles: dict[str, dict[str, Policy]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self) -> None:
        """Count a request."""
        with self.lock:
            self.calls += 1

    def allow(self, role: str, action: str, resource: str, grants: Iterable[tuple[Policy, int]]) -> None:
        """Record an allowed request with the statements that allow it.

        Args:
            role: ARN of the role or user.
            action: e.g. `s3:GetObject`.
            resource: its ARN.
            grants: policy and statement's position in it.
        """
        with self.lock:
            self.allowed[role, action, resource] += 1
            self.used.update((role, policy.name, policy.statement(at), action) for policy, at in grants)

    def deny(self, who: str, action: str, resource: str, because: str) -> None:
        """Record a denied request."""
        with self.lock:
            self.denied[who, action, resource, because] += 1

    def remember(self, cloud: Host) -> None:
        """Record what all roles are granted now, so that grants removed later are still reported."""
        granted = attached_policies.all_roles(cloud)
        with self.lock:
            for role, policies in granted.items():
                self.roles.setdefault(role, {}).update({policy.name: policy for policy in policies})


def _new(_: Host) -> Ledger:
    return Ledger()


def of(cloud: Host) -> Ledger:
    """Return the cloud's ledger."""
    return cloud.state_of(_new)


def denied(cloud: Host) -> list[dict[str, Any]]:
    """List denied requests: `principal`, `action`, `resource`, `because`, and how many `times`."""
    ledger = of(cloud)
    with ledger.lock:
        entries = sorted(ledger.denied.items())
    names = ("principal", "action", "resource", "because")
    return [{**dict(zip(names, key, strict=True)), "times": times} for key, times in entries]


def unused(cloud: Host) -> dict[str, list[dict[str, str]]]:
    """List the actions that each role is granted and never used: by the role's name, `policy`, `statement`, `action`.

    A statement's action counts as used when any allowed request matched the statement and the action, on any of its
    resources and for any of the actions that a wildcard covers.
    """
    ledger = of(cloud)
    ledger.remember(cloud)
    with ledger.lock:
        used, roles = set(ledger.used), {role: dict(policies) for role, policies in ledger.roles.items()}
    by_statement: dict[tuple[str, str, str], set[str]] = {}
    for role, policy, statement, action in used:
        by_statement.setdefault((role, policy, statement), set()).add(action)
    rows_of = {
        role.rpartition("/")[2]: [row for policy in policies.values() for row in _unused(role, policy, by_statement)]
        for role, policies in sorted(roles.items())
    }
    return {role: rows for role, rows in rows_of.items() if rows}


def _unused(role: str, policy: Policy, used: Mapping[tuple[str, str, str], set[str]]) -> Iterator[dict[str, str]]:
    for at, statement in enumerate(policy.statements):
        name = policy.statement(at)
        called = used.get((role, policy.name, name), set())
        for granted in statement.actions if statement.effect == "Allow" else ():
            if not any(like(((granted, False),), action, ignore_case=True) for action in called):
                yield {"policy": policy.name, "statement": name, "action": granted}


def summary(cloud: Host) -> dict[str, Any]:
    """Return the report: the number of `calls` that were checked, `denied`, and `unused` by role."""
    return {"calls": of(cloud).calls, "denied": denied(cloud), "unused": unused(cloud)}
