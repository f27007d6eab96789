"""Step 4: validation of the schedule expressions rate(), cron() and at(). Pure.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

import re
from datetime import datetime

RATE = re.compile(r"rate\(([1-9]\d*) (minute|hour|day)(s?)\)")
CRON = re.compile(r"cron\(([^()]+)\)")
AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
# Minutes, hours, day of month, month, day of week, year: minimum, maximum, and names of the values from the minimum on
FIELDS = (
    (0, 59, ()),
    (0, 23, ()),
    (1, 31, ()),
    (1, 12, MONTHS),
    (1, 7, DAYS),
    (1970, 2199, ()),
)
DAY, WEEKDAY = 2, 4


def of_rule(text: str) -> bool:
    """Return whether an expression is valid for a rule; in a rate, the unit is singular for 1 and only for 1."""
    rate = RATE.fullmatch(text)
    return (rate[1] == "1") == (not rate[3]) if rate else _cron(text)


def of_schedule(text: str) -> bool:
    """Return whether an expression is valid for a schedule of EventBridge Scheduler."""
    return bool(RATE.fullmatch(text)) or _cron(text) or _once(text)


def _once(text: str) -> bool:
    match = AT.fullmatch(text)
    try:
        return match is not None and bool(datetime.fromisoformat(match[1]))
    except ValueError:
        return False


def _cron(text: str) -> bool:
    match = CRON.fullmatch(text)
    fields = match[1].split() if match else []
    if len(fields) != len(FIELDS) or (fields[DAY] == "?") == (fields[WEEKDAY] == "?"):
        return False
    return all(_field(number, field) for number, field in enumerate(fields))


def _field(number: int, text: str) -> bool:
    if text == "?":
        return number in (DAY, WEEKDAY)
    return all(_part(number, part) for part in text.split(","))


def _part(number: int, text: str) -> bool:
    if number == DAY and text in ("L", "LW"):
        return True
    if number == DAY and text.endswith("W"):
        return _value(number, text[:-1])
    if number == WEEKDAY and "#" in text:
        day, _, which = text.partition("#")
        return _value(number, day) and which in tuple("12345")
    if number == WEEKDAY and text.endswith("L"):
        return text == "L" or _value(number, text[:-1])
    span, slash, step = text.partition("/")
    if slash and not (step.isdigit() and int(step) > 0):
        return False
    first, dash, last = span.partition("-")
    return span == "*" or (_value(number, first) and (not dash or _value(number, last)))


def _value(number: int, text: str) -> bool:
    least, most, names = FIELDS[number]
    return text.upper() in names or (text.isdigit() and least <= int(text) <= most)
