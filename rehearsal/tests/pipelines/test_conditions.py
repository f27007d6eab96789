"""Step 4: every condition type of the SDK is evaluated as by the service."""

from typing import Any

import pytest

from sagemaker_rehearsal.pipelines.conditions import holds
from sagemaker_rehearsal.pipelines.errors import ExecutorError


def compare(kind: str, left: object, right: object) -> dict[str, Any]:
    return {"Type": kind, "LeftValue": left, "RightValue": right}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (compare("Equals", 1, 1.0), True),
        (compare("Equals", "a", "b"), False),
        (compare("Equals", True, True), True),
        (compare("GreaterThan", 2, 2), False),
        (compare("GreaterThanOrEqualTo", 2, 2.0), True),
        (compare("LessThan", 1, 2), True),
        (compare("LessThanOrEqualTo", 0.3, 0.2), False),
        (compare("GreaterThanOrEqualTo", "0.91", 0.9), True),
        ({"Type": "In", "QueryValue": "a", "Values": ["b", "a"]}, True),
        ({"Type": "In", "QueryValue": 3, "Values": [1, 2]}, False),
        ({"Type": "Not", "Expression": compare("Equals", 1, 1)}, False),
        ({"Type": "Or", "Conditions": [compare("Equals", 1, 2), compare("LessThan", 1, 2)]}, True),
    ],
)
def test_conditions_are_decided(condition: dict[str, Any], expected: bool) -> None:
    assert holds(condition) is expected


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ({"Type": "Between"}, "ClientError: condition of unknown type 'Between'"),
        (compare("GreaterThan", "x", 1), "ClientError: 'x' and 1.0 cannot be compared"),
        (compare("GreaterThan", None, 1), "ClientError: None and 1.0 cannot be compared"),
    ],
)
def test_what_cannot_be_decided_fails_the_step(condition: dict[str, Any], message: str) -> None:
    with pytest.raises(ExecutorError) as caught:
        holds(condition)
    assert str(caught.value) == message
