"""All steps: AWS's policy evaluation logic, as a function of policies and one request.

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
    """A document that is no policy; the message gives the reason."""


@dataclass(frozen=True)
class Caller:
    """The principal of a request.

    Attributes:
        account: twelve digits.
        entity: ARN of the role or user; empty for a service.
        session: ARN of the assumed role's session; empty for others.
        service: e.g. `events.amazonaws.com`, when a service calls as itself.
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
        caller: the principal.
    """

    action: str
    resource: str
    caller: Caller
    context: Context = field(default_factory=dict)


@dataclass(frozen=True)
class Statement:
    """One parsed statement of a policy."""

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
        """Return whether the statement's Action or NotAction covers an action (in lower case)."""
        if self.not_actions:
            return not any(_action_like(pattern, action) for pattern in self.not_actions)
        return action in self.exact or any(_action_like(pattern, action) for pattern in self.actions if _wild(pattern))

    def matches(self, request: Request, action: str) -> bool:
        """Return whether it applies to a request of any principal; `action` is the request's, in lower case."""
        return (
            self.names(action)
            and self._about(request)
            and all(condition.holds(request.context) for condition in self.conditions)
        )

    def _about(self, request: Request) -> bool:
        if self.not_resources:
            return not any(self._is(pattern, request) for pattern in self.not_resources)
        return not self.resources or any(self._is(pattern, request) for pattern in self.resources)

    def _is(self, resource: str, request: Request) -> bool:
        if resource == "*":
            return True
        pieces = resolve(resource, request.context, self.variables)
        return pieces is not None and resource_like(pieces, request.resource)

    def trusts(self, caller: Caller) -> str:
        """Return how a statement of a resource-based policy names a caller.

        Returns:
            `session`, `entity`, `anyone`, `service`, `account`, or an empty text when it does not.
        """
        if self.not_principals:
            return "" if any(_trust(kind, name, caller) for kind, name in self.not_principals) else "anyone"
        kinds = {_trust(kind, name, caller) for kind, name in self.principals}
        return next((kind for kind in ("session", "entity", "service", "anyone", "account") if kind in kinds), "")


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
    """A parsed policy document with its name."""

    name: str
    statements: tuple[Statement, ...]

    def statement(self, at: int) -> str:
        """Return a statement's Sid, or its position where it has none."""
        return self.statements[at].sid or str(at)

    def matching(self, effect: str, request: Request) -> tuple[int, ...]:
        """Return the positions of the statements of an effect that apply to a request."""
        action = request.action.lower()
        numbered = enumerate(self.statements)
        return tuple(
            at for at, statement in numbered if statement.effect == effect and statement.matches(request, action)
        )


@lru_cache(maxsize=2048)
def read(text: str, name: str = "") -> Policy:
    """Parse a policy document.

    Raises:
        PolicyError: when it is invalid.
    """
    try:
        document = json.loads(text)
        statements = document["Statement"]
        several = statements if isinstance(statements, list) else [statements]
        variables = document.get("Version") == "2012-10-17"
        return Policy(name, tuple(_statement(block, variables) for block in several))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PolicyError(f"Policy {name or text[:60]!r} cannot be read: {error!r}") from error


def _statement(block: Mapping[str, Any], variables: bool) -> Statement:
    if block["Effect"] not in ("Allow", "Deny") or not ("Action" in block) ^ ("NotAction" in block):
        raise PolicyError("a statement needs Effect Allow or Deny, and either Action or NotAction")
    actions = _list(block.get("Action"))
    return Statement(
        effect=block["Effect"],
        sid=block.get("Sid", ""),
        actions=actions,
        exact=frozenset(action.lower() for action in actions if not _wild(action)),
        not_actions=_list(block.get("NotAction")),
        resources=_list(block.get("Resource")),
        not_resources=_list(block.get("NotResource")),
        conditions=conditions.read(block.get("Condition") or {}, variables),
        principals=_principals(block.get("Principal")),
        not_principals=_principals(block.get("NotPrincipal")),
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
    """The policies that apply to a request.

    Attributes:
        identity: the role's or user's identity-based policies, inline and attached.
        boundary: its permissions boundary; None when it has none.
        session: the session policy (AssumeRole's Policy); None when the session has none.
        resource: the resource-based policies.
    """

    identity: Sequence[Policy] = ()
    boundary: Policy | None = None
    session: Policy | None = None
    resource: Sequence[Policy] = ()


@dataclass(frozen=True)
class Decision:
    """The result of evaluating a request.

    Attributes:
        allowed: whether the request is allowed.
        because: the end of AWS's message for a denial.
        grants: every identity-based policy that allows it, with the statement's position.
        by: the policy and statement of an explicit deny, e.g. `approver: FourEyes`; AWS does not name them.
    """

    allowed: bool
    because: str = ""
    grants: tuple[tuple[Policy, int], ...] = ()
    by: str = ""


def decide(request: Request, policies: Policies) -> Decision:
    """Evaluate a request within one account.

    In this order: an explicit deny in any policy denies; a resource-based policy that names the session allows;
    otherwise the identity's policies, or a resource-based policy that names the role or user, must allow the request,
    and so must the boundary and the session policy, where there are such.
    """
    denied = _explicit(request, policies)
    if denied:
        kind, policy, at = denied
        by = f"{policy.name}: {policy.statement(at)}"
        return Decision(False, f"with an explicit deny in a{kind}", by=by)
    named = _named(request, policies.resource)
    if named & {"session", "service"} or (named & {"entity", "anyone"} and _is_user(request)):
        return Decision(True)
    grants = tuple((policy, at) for policy in policies.identity for at in policy.matching("Allow", request))
    if not grants and not named & {"entity", "anyone"}:
        return Decision(False, f"because no identity-based policy allows the {request.action} action")
    for kind, limit in (("permissions boundary", policies.boundary), ("session policy", policies.session)):
        if limit is not None and not limit.matching("Allow", request):
            return Decision(False, f"because no {kind} allows the {request.action} action")
    return Decision(True, "", grants)


def _is_user(request: Request) -> bool:
    """Return whether the caller is a user; a resource-based policy that names a user allows despite its boundary."""
    return not request.caller.session


def _explicit(request: Request, policies: Policies) -> tuple[str, Policy, int] | None:
    """Return the first statement that denies: the kind of its policy as in AWS's message, the policy, its position."""
    limits = ((" permissions boundary", policies.boundary), (" session policy", policies.session))
    own = [("n identity-based policy", policy) for policy in policies.identity]
    for kind, policy in (*own, *((kind, limit) for kind, limit in limits if limit is not None)):
        for at in policy.matching("Deny", request):
            return kind, policy, at
    for policy in policies.resource:
        for at in policy.matching("Deny", request):
            if policy.statements[at].trusts(request.caller):
                return " resource-based policy", policy, at
    return None


def _named(request: Request, policies: Sequence[Policy]) -> set[str]:
    return {
        policy.statements[at].trusts(request.caller) for policy in policies for at in policy.matching("Allow", request)
    } - {""}


def trusted(request: Request, trust: Policy, identity: Policies) -> Decision:
    """Evaluate sts:AssumeRole: the trust policy names the caller, or its account and the caller's policies allow it.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
    """
    decision = decide(request, Policies(identity.identity, identity.boundary, identity.session, (trust,)))
    if not decision.allowed or _named(request, (trust,)):
        return decision
    return Decision(False, f"because no resource-based policy allows the {request.action} action")


def allows_service(
    document: Mapping[str, Any], service: str, action: str, resource: str, context: Mapping[str, str] | None = None
) -> bool:
    """Return whether a resource's policy allows an action to an AWS service that calls without a role.

    https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html

    Args:
        document: the policy of a function, topic, queue or role; an empty one when it has none.
        service: e.g. `events.amazonaws.com`.
        action: e.g. `lambda:InvokeFunction`.
        resource: the ARN of the resource that has the policy.
        context: condition keys in lower case.
    """
    try:
        policy = read(json.dumps(document))
    except PolicyError:
        return False
    keys = {key: (value,) for key, value in (context or {}).items()}
    request = Request(action, resource, Caller("", service=service), keys)
    return decide(request, Policies(resource=(policy,))).allowed
