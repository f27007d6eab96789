"""All steps: signatures of requests: version 4 in a header or in the query, version 2 in S3's pre-signed addresses.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html (version 2)
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote, unquote

from botocore.auth import HmacV1Auth
from botocore.utils import normalize_url_path

from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.protocols import Wire

# How far the clock of a client may be off
SKEW = timedelta(minutes=15)
ALGORITHM, UNSIGNED = "AWS4-HMAC-SHA256", "UNSIGNED-PAYLOAD"
_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} Credential=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]{{64}})\s*"
)
_STAMP = "%Y%m%dT%H%M%SZ"


def verify(wire: Wire, secret: str, service: str, query_protocol: bool) -> None:
    """Check the signature of a request, and whether it has expired.

    Args:
        wire: the request.
        secret: the secret access key of whoever the request names.
        service: botocore's name of the service.
        query_protocol: whether its errors are those of the query protocol.

    Raises:
        AwsError: with the service's code.
    """
    query = dict(parse_qsl(wire.query, keep_blank_values=True))
    if wire.headers.get("authorization"):
        _verify_header(wire, secret, service, query_protocol)
    elif "X-Amz-Signature" in query:
        _verify_query(wire, query, secret, service)
    else:
        _verify_version_2(wire, query, secret)


def _verify_header(wire: Wire, secret: str, service: str, query_protocol: bool) -> None:
    match = _AUTHORIZATION.fullmatch(wire.headers["authorization"].strip())
    if match is None:
        raise _incomplete(service)
    stamp = wire.headers.get("x-amz-date", "")
    payload = wire.headers.get("x-amz-content-sha256") or _hash(wire.body)
    signature = _signature(wire, secret, match[1], match[2], stamp, _query(wire.query), payload, service)
    if not hmac.compare_digest(signature, match[3]):
        raise _mismatch(service, query_protocol)
    if re.fullmatch("[0-9a-f]{64}", payload) and payload != _hash(wire.body):
        message = "The provided 'x-amz-content-sha256' header does not match what was computed."
        raise AwsError("XAmzContentSHA256Mismatch", message)
    if abs(datetime.now(UTC) - _time(stamp, service)) > SKEW:
        if service == "s3":
            message = "The difference between the request time and the current time is too large."
            raise AwsError("RequestTimeTooSkewed", message, 403)
        code = "SignatureDoesNotMatch" if query_protocol else "InvalidSignatureException"
        raise AwsError(code, f"Signature expired: {stamp} is more than 15 minutes from now", 403)


def _verify_query(wire: Wire, query: Mapping[str, str], secret: str, service: str) -> None:
    """Check an address that was pre-signed by version 4."""
    stamp, expires = query.get("X-Amz-Date", ""), query.get("X-Amz-Expires", "")
    if query.get("X-Amz-Algorithm") != ALGORITHM or not re.fullmatch("[0-9]{1,6}", expires):
        raise _incomplete(service)
    rest = "&".join(part for part in wire.query.split("&") if not part.startswith("X-Amz-Signature="))
    payload = UNSIGNED if service == "s3" else _hash(wire.body)
    credential, names = query.get("X-Amz-Credential", ""), query.get("X-Amz-SignedHeaders", "")
    signature = _signature(wire, secret, credential, names, stamp, _query(rest), payload, service)
    if not hmac.compare_digest(signature.encode(), query["X-Amz-Signature"].encode()):
        raise _mismatch(service, query_protocol=True)
    begin, now = _time(stamp, service), datetime.now(UTC)
    if now > begin + timedelta(seconds=int(expires)):
        raise AwsError("AccessDenied", "Request has expired", 403)
    if begin > now + SKEW:
        raise AwsError("AccessDenied", "Request is not yet valid", 403)


def _verify_version_2(wire: Wire, query: Mapping[str, str], secret: str) -> None:
    """Check an address of S3 that was pre-signed by version 2; botocore puts the signed headers into the query."""
    signed = {name.lower(): value for name, value in (*wire.headers.items(), *query.items())}
    amazon = sorted(f"{name}:{value}\n" for name, value in signed.items() if name.startswith("x-amz-"))
    pairs = (pair.partition("=") for pair in wire.query.split("&"))
    names = sorted(
        (name, f"{name}{equals}{unquote(value)}")
        for name, equals, value in pairs
        if name in HmacV1Auth.QSAOfInterest and not name.startswith("x-amz-")
    )
    resource = _path(wire) + ("?" if names else "") + "&".join(text for _, text in names)
    standard = [signed.get("content-md5", ""), signed.get("content-type", ""), query.get("Expires", "")]
    text = "\n".join([wire.method, *standard, "".join(amazon) + resource])
    signature = base64.b64encode(hmac.digest(secret.encode(), text.encode(), "sha1"))
    if not hmac.compare_digest(signature, query.get("Signature", "").encode()):
        raise _mismatch("s3", query_protocol=True)
    if not query.get("Expires", "").isdecimal() or int(query["Expires"]) < datetime.now(UTC).timestamp():
        raise AwsError("AccessDenied", "Request has expired", 403)


def _signature(
    wire: Wire, secret: str, credential: str, names: str, stamp: str, query: str, payload: str, service: str
) -> str:
    """Return the signature of version 4 that a request should have."""
    scope = credential.split("/")[1:]
    listed = names.split(";")
    if len(scope) != 4 or scope[0] != stamp[:8] or "host" not in listed:
        raise _incomplete(service)
    signed = {name.replace("_", "-") for name in listed}
    if service == "s3" and any(name.startswith("x-amz-") and name not in signed for name in wire.headers):
        message = "There were headers present in the request which were not signed"
        raise AwsError("AccessDenied", message, 403)
    lines = [f"{name}:{_header(wire, name)}\n" for name in listed]
    path = _path(wire)
    if service != "s3":
        path = quote(normalize_url_path(path), safe="/~")
    request = "\n".join([wire.method, path, query, "".join(lines), names, payload])
    key = f"AWS4{secret}".encode()
    for part in scope:
        key = hmac.digest(key, part.encode(), "sha256")
    text = "\n".join([ALGORITHM, stamp, "/".join(scope), _hash(request.encode())])
    return hmac.digest(key, text.encode(), "sha256").hex()


def _path(wire: Wire) -> str:
    return wire.raw_path or quote(wire.path, safe="/~")


def _header(wire: Wire, name: str) -> str:
    usual = str(len(wire.body)) if name == "content-length" else ""
    return " ".join(wire.headers.get(name.replace("_", "-"), usual).split())


def _query(text: str) -> str:
    """Return a query as it is signed: names and values escaped in one way, and sorted."""
    pairs = (pair.partition("=") for pair in text.split("&") if pair)
    return "&".join("=".join(pair) for pair in sorted((_escaped(name), _escaped(value)) for name, _, value in pairs))


def _escaped(text: str) -> str:
    return quote(unquote(text.replace("+", " ")), safe="-_.~")


def _hash(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _time(stamp: str, service: str) -> datetime:
    try:
        return datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
    except ValueError:
        raise _incomplete(service) from None


def _incomplete(service: str) -> AwsError:
    if service == "s3":
        return AwsError("AccessDenied", "The request's signature is not complete", 403)
    return AwsError("IncompleteSignature", "The request's signature is not complete", 400)


def _mismatch(service: str, query_protocol: bool) -> AwsError:
    message = "The request signature we calculated does not match the signature you provided. "
    if service == "s3":
        return AwsError("SignatureDoesNotMatch", f"{message}Check your key and signing method.", 403)
    message += "Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
    return AwsError("SignatureDoesNotMatch" if query_protocol else "InvalidSignatureException", message, 403)
