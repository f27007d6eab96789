"""Steps 3, 4 and 6: whether a resource's policy lets a service of AWS in. Pure.

Services come without a role; only the policy of the function, topic or queue decides.
https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

# With "Like", signs * and ? stand for others; ArnEquals behaves as ArnLike.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
LIKE = ("ArnLike", "ArnEquals", "StringLike")
EQUAL = ("StringEquals",)


def permits(
    policy: Mapping[str, Any], principal: str, action: str, resource: str, context: Mapping[str, str]
) -> bool:  # fmt: skip
    """Tell whether a policy allows an action to a service, and no statement denies it.

    Args:
        policy: the document; empty for none.
        principal: e.g. `events.amazonaws.com`.
        action: e.g. `lambda:InvokeFunction`.
        resource: the ARN of what has the policy.
        context: condition keys in lower case; a condition on any other key does not hold.
    """
    effects = {
        statement.get("Effect")
        for statement in _listed(policy.get("Statement", []))
        if _applies(statement, principal, action, resource, context)
    }
    return effects == {"Allow"}


def _applies(
    statement: Mapping[str, Any], principal: str, action: str, resource: str, context: Mapping[str, str]
) -> bool:  # fmt: skip
    named = statement.get("Principal", {})
    services = ["*"] if named == "*" else [*_listed(named.get("Service", [])), *_everyone(named)]
    return (
        bool({"*", principal} & set(services))
        and any(_like(action.lower(), one.lower()) for one in _listed(statement.get("Action", [])))
        and any(_like(resource, one) for one in _listed(statement.get("Resource", "*")))
        and all(
            _holds(operator, key, _listed(wanted), context)
            for operator, tests in statement.get("Condition", {}).items()
            for key, wanted in tests.items()
        )
    )


def _everyone(named: Mapping[str, Any]) -> list[str]:
    return ["*"] if "*" in _listed(named.get("AWS", [])) else []


def _holds(operator: str, key: str, wanted: list[str], context: Mapping[str, str]) -> bool:
    seen = context.get(key.lower())
    if operator.endswith("IfExists"):
        return seen is None or _holds(operator.removesuffix("IfExists"), key, wanted, context)
    if seen is None:
        return False
    if operator in LIKE:
        return any(_like(seen, one) for one in wanted)
    return operator in EQUAL and seen in wanted


def _like(seen: str, wanted: str) -> bool:
    return fnmatchcase(seen, wanted.replace("[", "[[]"))


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 (one or a list of them)
    return list(value) if isinstance(value, (list, tuple)) else [value]
