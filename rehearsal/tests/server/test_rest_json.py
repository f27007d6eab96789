"""Steps 4 to 10: REST services in JSON: which operation a method and a path name, and with which parameters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagemaker_rehearsal.server import protocols
from sagemaker_rehearsal.server.errors import AwsError

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"
AUTHORIZATION = "AWS4-HMAC-SHA256 Credential=KEY/20260101/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=0"


def request(service: str, method: str, path: str, body: bytes = b"", query: str = "", **headers: str) -> protocols.Wire:
    """Return a request as the server sees it; what is escaped in the path arrives read and as it was."""
    from io import BytesIO
    from urllib.parse import unquote

    return protocols.Wire.read(
        {
            "REQUEST_METHOD": method,
            "PATH_INFO": unquote(path).encode().decode("latin-1"),
            "RAW_URI": f"{path}?{query}" if query else path,
            "QUERY_STRING": query,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": BytesIO(body),
            "HTTP_AUTHORIZATION": AUTHORIZATION.format(service),
            **headers,
        }
    )


def named(read: protocols.Wire) -> str:
    found = protocols.find_operation(read)
    return found.name if found else ""


@pytest.mark.parametrize(
    ("service", "method", "path", "expected"),
    [
        ("lambda", "POST", "/2015-03-31/functions", "CreateFunction"),
        ("lambda", "GET", "/2015-03-31/functions/", "ListFunctions"),
        ("lambda", "GET", "/2015-03-31/functions/f", "GetFunction"),
        ("lambda", "DELETE", "/2015-03-31/functions/f", "DeleteFunction"),
        ("lambda", "GET", "/2015-03-31/functions/f/configuration", "GetFunctionConfiguration"),
        ("lambda", "POST", "/2015-03-31/functions/f/invocations", "Invoke"),
        ("lambda", "PATCH", "/2015-03-31/functions/f", ""),
        ("lambda", "GET", "/2015-03-31/functions/f/g", ""),
        ("scheduler", "GET", "/schedules", "ListSchedules"),
        ("scheduler", "PUT", "/schedules/s", "UpdateSchedule"),
        ("scheduler", "DELETE", "/schedule-groups/g", "DeleteScheduleGroup"),
    ],
)
def test_method_and_path_name_the_operation(service: str, method: str, path: str, expected: str) -> None:
    assert named(request(service, method, path)) == expected


def parsed(read: protocols.Wire) -> dict[str, object]:
    operation = protocols.find_operation(read)
    assert operation is not None
    return protocols.parse(read, operation)


def test_parameters_come_from_path_query_headers_and_body() -> None:
    escaped = FUNCTION.replace(":", "%3A")
    headers = {"HTTP_X_AMZ_INVOCATION_TYPE": "Event"}
    read = request(
        "lambda", "POST", f"/2015-03-31/functions/{escaped}/invocations", b'{"a": 1}', "Qualifier=1", **headers
    )
    expected = {"FunctionName": FUNCTION, "Qualifier": "1", "InvocationType": "Event", "Payload": b'{"a": 1}'}
    assert parsed(read) == expected


def test_members_of_the_body_have_their_types() -> None:
    body = b'{"FunctionName": "f", "Timeout": 3, "Publish": true, "Code": {"ZipFile": "eA=="}, "Tags": {"a": "b"}}'
    expected = {"FunctionName": "f", "Timeout": 3, "Publish": True, "Code": {"ZipFile": b"x"}, "Tags": {"a": "b"}}
    assert parsed(request("lambda", "POST", "/2015-03-31/functions", body)) == expected


def test_a_list_comes_from_repeated_keys_of_the_query() -> None:
    read = request("lambda", "DELETE", f"/2017-03-31/tags/{FUNCTION}", query="tagKeys=a&tagKeys=b%20c")
    assert parsed(read) == {"Resource": FUNCTION, "TagKeys": ["a", "b c"]}


def test_a_body_that_is_no_json_is_refused() -> None:
    with pytest.raises(AwsError) as caught:
        parsed(request("lambda", "POST", "/2015-03-31/functions", b"{"))
    assert caught.value.code == "SerializationException"


@given(st.text(min_size=1, max_size=20))
def test_a_label_is_one_part_of_the_path_whatever_is_in_it(name: str) -> None:
    from urllib.parse import quote

    read = request("scheduler", "GET", f"/schedules/{quote(name, safe='')}")
    assert (named(read), parsed(read)) == ("GetSchedule", {"Name": name})
