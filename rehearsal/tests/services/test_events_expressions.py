"""Step 4: schedule expressions of rules and schedules: the examples of EventBridge's documentation, and others."""

from __future__ import annotations

import pytest

from sagemaker_rehearsal.events import schedule_expressions

# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
GOOD = (
    *("rate(1 minute)", "rate(5 minutes)", "rate(1 hour)", "rate(12 hours)", "rate(1 day)", "rate(30 days)"),
    *("cron(0 10 * * ? *)", "cron(15 12 * * ? *)", "cron(0 18 ? * MON-FRI *)", "cron(0 8 1 * ? *)"),
    *("cron(0/15 * * * ? *)", "cron(0/10 * ? * MON-FRI *)", "cron(0/30 20-2 ? * MON-FRI *)"),
    *("cron(0 9 ? * 2#1 *)", "cron(0 10 L * ? *)", "cron(0 10 3W * ? *)", "cron(0 10 ? JAN,jul 6L 2026-2028)"),
)
BAD = (
    *("", "every day", "rate(0 days)", "rate(-1 day)", "rate(1.5 days)", "rate(1 week)", "rate( 1 day )"),
    *("cron(0 10 * * *)", "cron(0 10 * * * *)", "cron(0 10 ? * ? *)", "cron(60 10 * * ? *)", "cron(0 24 * * ? *)"),
    *("cron(0 10 32 * ? *)", "cron(0 10 * 13 ? *)", "cron(0 10 ? * 8 *)", "cron(0 10 ? * 2#6 *)"),
    *("cron(0/0 10 * * ? *)", "cron(0 10 * * ? 1969)", "cron(? 10 * * ? *)", "at(2026-13-01T00:00:00)", "at(now)"),
)


@pytest.mark.parametrize("text", GOOD)
def test_a_documented_expression_is_taken(text: str) -> None:
    assert (schedule_expressions.of_rule(text), schedule_expressions.of_schedule(text)) == (True, True)


@pytest.mark.parametrize("text", BAD)
def test_another_one_is_not(text: str) -> None:
    assert (schedule_expressions.of_rule(text), schedule_expressions.of_schedule(text)) == (False, False)


@pytest.mark.parametrize("text", ["rate(1 days)", "rate(2 day)", "at(2026-11-20T13:00:00)"])
def test_schedules_take_more_than_rules(text: str) -> None:
    assert (schedule_expressions.of_rule(text), schedule_expressions.of_schedule(text)) == (False, True)
