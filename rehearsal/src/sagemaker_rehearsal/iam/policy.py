"""All steps: AWS's policy evaluation, as a function of policies and one request.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sagemaker_rehearsal.iam import conditions
from sagemaker_rehearsal.iam.matching import Context, like, resolve, resource_like


class PolicyError(ValueError):
    """A document that is no policy; the message says why."""


@dataclass(frozen=True)
class Caller:
    """Who asks.

    Attributes:
        account: twelve digits.
        entity: ARN of the role or user; empty for a service.
        session: ARN of the assumed role's session; empty for others.
        service: e.g. `events.amazonaws.com`, when a service asks in its own name.
    """

    account: str
    entity: str = ""
    session: str = ""
    service: str = ""


@dataclass(frozen=True)
class Request:
    """One action on one resource.

    Attributes:
        action: e.g. `s3:GetObject`.
        resource: its ARN, or `*`.
        context: the condition keys, in lower case, with their values.
        caller: who asks.
    """

    action: str
    resource: str
    caller: Caller
    context: Context = field(default_factory=dict)


@dataclass(frozen=True)
class Statement:
    """One statement of a policy, ready to be compared with requests."""

    effect: str
    sid: str
    actions: tuple[str, ...]
    exact: frozenset[str]
    not_actions: tuple[str, ...]
    resources: tuple[str, ...]
    not_resources: tuple[str, ...]
    conditions: tuple[conditions.Condition, ...]
    principals: tuple[tuple[str, str], ...]
    not_principals: tuple[tuple[str, str], ...]
    variables: bool

    def names(self, action: str) -> bool:
        """Tell whether the statement is about an action (in lower case)."""
        if self.not_actions:
            return not any(_action_like(one, action) for one in self.not_actions)
        return action in self.exact or any(_action_like(one, action) for one in self.actions if _wild(one))

    def matches(self, request: Request, action: str) -> bool:
        """Tell whether it is about a request, whoever makes it; `action` is the request's, in lower case."""
        return (
            self.names(action)
            and self._about(request)
            and all(condition.holds(request.context) for condition in self.conditions)
        )

    def _about(self, request: Request) -> bool:
        if self.not_resources:
            return not any(self._is(one, request) for one in self.not_resources)
        return not self.resources or any(self._is(one, request) for one in self.resources)

    def _is(self, resource: str, request: Request) -> bool:
        if resource == "*":
            return True
        pieces = resolve(resource, request.context, self.variables)
        return pieces is not None and resource_like(pieces, request.resource)

    def trusts(self, caller: Caller) -> str:
        """Tell how a resource-based policy's statement names a caller.

        Returns:
            `session`, `entity`, `anyone`, `service`, `account`, or empty when it does not.
        """
        if self.not_principals:
            return "" if any(_trust(kind, name, caller) for kind, name in self.not_principals) else "anyone"
        found = {_trust(kind, name, caller) for kind, name in self.principals}
        return next((one for one in ("session", "entity", "service", "anyone", "account") if one in found), "")


def _wild(action: str) -> bool:
    return "*" in action or "?" in action


@lru_cache(maxsize=8192)
def _action_like(pattern: str, action: str) -> bool:
    return like(((pattern, False),), action, ignore_case=True)


def _trust(kind: str, name: str, caller: Caller) -> str:
    """Compare one principal: docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html."""
    if name == "*" and kind in ("*", "AWS"):
        return "anyone"
    if kind == "Service":
        return "service" if caller.service and name == caller.service else ""
    if kind != "AWS" or caller.service:
        return ""
    if name in (caller.account, f"arn:aws:iam::{caller.account}:root"):
        return "account"
    if name == caller.session and name:
        return "session"
    return "entity" if name == caller.entity and name else ""


@dataclass(frozen=True, eq=False)
class Policy:
    """A document with the name it is known by."""

    name: str
    statements: tuple[Statement, ...]

    def statement(self, at: int) -> str:
        """Name a statement for people: by its Sid, or its position."""
        return self.statements[at].sid or str(at)

    def matching(self, effect: str, request: Request) -> tuple[int, ...]:
        """Give the positions of the statements of an effect that are about a request."""
        action = request.action.lower()
        found = enumerate(self.statements)
        return tuple(at for at, one in found if one.effect == effect and one.matches(request, action))


@lru_cache(maxsize=2048)
def read(text: str, name: str = "") -> Policy:
    """Read a policy document.

    Raises:
        PolicyError: when it is none.
    """
    try:
        document = json.loads(text)
        statements = document["Statement"]
        several = statements if isinstance(statements, list) else [statements]
        variables = document.get("Version") == "2012-10-17"
        return Policy(name, tuple(_statement(one, variables) for one in several))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PolicyError(f"Policy {name or text[:60]!r} cannot be read: {error!r}") from error


def _statement(one: Mapping[str, Any], variables: bool) -> Statement:
    if one["Effect"] not in ("Allow", "Deny") or not ("Action" in one) ^ ("NotAction" in one):
        raise PolicyError("a statement needs Effect Allow or Deny, and either Action or NotAction")
    actions = _list(one.get("Action"))
    return Statement(
        effect=one["Effect"],
        sid=one.get("Sid", ""),
        actions=actions,
        exact=frozenset(action.lower() for action in actions if not _wild(action)),
        not_actions=_list(one.get("NotAction")),
        resources=_list(one.get("Resource")),
        not_resources=_list(one.get("NotResource")),
        conditions=conditions.read(one.get("Condition") or {}, variables),
        principals=_principals(one.get("Principal")),
        not_principals=_principals(one.get("NotPrincipal")),
        variables=variables,
    )


def _list(value: Any) -> tuple[str, ...]:  # noqa: ANN401 (JSON)
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list) else (str(value),)


def _principals(value: Any) -> tuple[tuple[str, str], ...]:  # noqa: ANN401 (JSON)
    if value is None:
        return ()
    if value == "*":
        return (("*", "*"),)
    return tuple((kind, name) for kind, names in value.items() for name in _list(names))


@dataclass(frozen=True)
class Policies:
    """What applies to a request.

    Attributes:
        identity: the role's or user's own, inline and attached.
        boundary: its permissions boundary; None when it has none.
        session: of AssumeRole's Policy; None when none was given.
        resource: the resource's own.
    """

    identity: Sequence[Policy] = ()
    boundary: Policy | None = None
    session: Policy | None = None
    resource: Sequence[Policy] = ()


@dataclass(frozen=True)
class Decision:
    """What comes of a request.

    Attributes:
        allowed: whether it may go on.
        because: the end of AWS's message about one that may not.
        grants: identity policy and statement's position in it, for all that allow it.
        by: the policy and the statement that deny it explicitly, e.g. `approver: FourEyes`; AWS does not say which.
    """

    allowed: bool
    because: str = ""
    grants: tuple[tuple[Policy, int], ...] = ()
    by: str = ""


def decide(request: Request, policies: Policies) -> Decision:
    """Decide about a request within one account.

    In this order: an explicit deny anywhere denies; a resource-based policy that names the session allows; what is left
    must be allowed by the identity's policies, or by a resource-based policy that names the role or user, and
    besides by the boundary and by the session policy, where there are such.
    """
    denied = _explicit(request, policies)
    if denied:
        kind, policy, at = denied
        by = f"{policy.name}: {policy.statement(at)}"
        return Decision(False, f"with an explicit deny in a{kind}", by=by)
    named = _named(request, policies.resource)
    if named & {"session", "service"} or (named & {"entity", "anyone"} and _is_user(request)):
        return Decision(True)
    grants = tuple((one, at) for one in policies.identity for at in one.matching("Allow", request))
    if not grants and not named & {"entity", "anyone"}:
        return Decision(False, f"because no identity-based policy allows the {request.action} action")
    for kind, limit in (("permissions boundary", policies.boundary), ("session policy", policies.session)):
        if limit is not None and not limit.matching("Allow", request):
            return Decision(False, f"because no {kind} allows the {request.action} action")
    return Decision(True, "", grants)


def _is_user(request: Request) -> bool:
    """A user named by a resource-based policy is not held to its boundary; a role is."""
    return not request.caller.session


def _explicit(request: Request, policies: Policies) -> tuple[str, Policy, int] | None:
    """Find the first statement that denies; give the kind of its policy in AWS's words, the policy, its position."""
    limits = ((" permissions boundary", policies.boundary), (" session policy", policies.session))
    own = [("n identity-based policy", one) for one in policies.identity]
    for kind, one in (*own, *((kind, limit) for kind, limit in limits if limit is not None)):
        for at in one.matching("Deny", request):
            return kind, one, at
    for one in policies.resource:
        for at in one.matching("Deny", request):
            if one.statements[at].trusts(request.caller):
                return " resource-based policy", one, at
    return None


def _named(request: Request, policies: Sequence[Policy]) -> set[str]:
    return {one.statements[at].trusts(request.caller) for one in policies for at in one.matching("Allow", request)} - {
        ""
    }


def trusted(request: Request, trust: Policy, identity: Policies) -> Decision:
    """Decide about sts:AssumeRole: the role's trust policy must name the caller, or its account together with a policy.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
    """
    decision = decide(request, Policies(identity.identity, identity.boundary, identity.session, (trust,)))
    if not decision.allowed or _named(request, (trust,)):
        return decision
    return Decision(False, f"because no resource-based policy allows the {request.action} action")


def allows_service(
    document: Mapping[str, Any], service: str, action: str, resource: str, context: Mapping[str, str] | None = None
) -> bool:
    """Return whether a resource's policy allows an action to a service of AWS, which comes without a role.

    https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html

    Args:
        document: the policy of a function, topic, queue or role; empty for none.
        service: e.g. `events.amazonaws.com`.
        action: e.g. `lambda:InvokeFunction`.
        resource: the ARN of what has the policy.
        context: condition keys in lower case.
    """
    try:
        policy = read(json.dumps(document))
    except PolicyError:
        return False
    keys = {key: (value,) for key, value in (context or {}).items()}
    request = Request(action, resource, Caller("", service=service), keys)
    return decide(request, Policies(resource=(policy,))).allowed
