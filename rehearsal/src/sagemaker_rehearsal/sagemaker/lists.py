"""Steps 2 to 10: SageMaker's lists: filtered, sorted and in pages as a request asks."""

from collections.abc import Mapping, Sequence
from typing import Any

from sagemaker_rehearsal.server.paging import Pages, refuse_filters
from sagemaker_rehearsal.server.service import Call

PAGES = Pages()
_AFTER = {
    "CreationTimeAfter": "CreationTime",
    "CreatedAfter": "CreationTime",
    "LastModifiedTimeAfter": "LastModifiedTime",
}
_BEFORE = {name.replace("After", "Before"): key for name, key in _AFTER.items()}
_COMMON = ("NameContains", "StatusEquals", "SortBy", "SortOrder", "NextToken", "MaxResults", *_AFTER, *_BEFORE)


def listed(
    call: Call, member: str, rows: Sequence[Mapping[str, Any]], fields: Mapping[str, str], *,
    sort_by: str = "CreationTime", order: str = "Descending", size: int = 100, own: Sequence[str] = (),
) -> dict[str, Any]:  # fmt: skip
    """Return one page of the rows that match the request's filters, sorted.

    Args:
        call: the request.
        member: the answer's member.
        rows: the summaries, the oldest first.
        fields: the rows' members by the names that SortBy has; `Name`, `Status`, `CreationTime`, `LastModifiedTime`.
        sort_by: where the request has no SortBy.
        order: where the request has no SortOrder.
        size: of a page where the request has no MaxResults.
        own: parameters that the caller has read.

    Raises:
        AwsError: for parameters that nobody reads, and tokens that were never returned.
    """
    refuse_filters(call, (*_COMMON, *own))
    matches = [row for row in rows if _matches(call.params, row, fields)]
    key = fields[call.params.get("SortBy", sort_by)]
    # Stable, so that rows of the same time stay in the order in which they came
    matches.sort(key=lambda row: row[key])
    if call.params.get("SortOrder", order) == "Descending":
        matches.reverse()
    return PAGES.page(call, member, matches, size)


def _matches(params: Mapping[str, Any], row: Mapping[str, Any], fields: Mapping[str, str]) -> bool:
    if "NameContains" in params and params["NameContains"].lower() not in str(row[fields["Name"]]).lower():
        return False
    if "StatusEquals" in params and params["StatusEquals"] != row[fields["Status"]]:
        return False
    after = all(_stamp(row, fields, key) > float(params[name]) for name, key in _AFTER.items() if name in params)
    return after and all(
        _stamp(row, fields, key) < float(params[name]) for name, key in _BEFORE.items() if name in params
    )


def _stamp(row: Mapping[str, Any], fields: Mapping[str, str], key: str) -> float:
    stamp: float = row[fields[key]].timestamp()
    return stamp
