"""Steps 1, 2, 7 and 10: read a template from S3, as whoever names it."""

from urllib.parse import parse_qs, unquote, urlsplit

from botocore.exceptions import ClientError

from sagemaker_rehearsal.cloudformation.template import invalid
from sagemaker_rehearsal.server.service import Call

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
LIMIT_BYTES = 1_048_576


def template(call: Call, url: str) -> str:
    """Return the text of a template in S3.

    Raises:
        AwsError: it is not there, too long, or not for this caller.
    """
    bucket, key, version = address(url)
    if not bucket or not key:
        raise invalid("TemplateURL must be a supported URL.")
    pinned = {"VersionId": version} if version else {}
    with call.cloud.acting(call.keys):
        try:
            response = call.cloud.client("s3").get_object(Bucket=bucket, Key=key, **pinned)
        except ClientError as error:
            raise invalid(f"S3 error: {error.response['Error'].get('Message', error)}") from error
    body: bytes = response["Body"].read()
    if len(body) > LIMIT_BYTES:
        raise invalid(f"Template may not exceed {LIMIT_BYTES} bytes in size.")
    return body.decode("utf-8")


def address(url: str) -> tuple[str, str, str]:
    """Take an address of S3 apart: bucket, key and version; the bucket stands in the host or in the path."""
    parts = urlsplit(url)
    host, path = parts.hostname or "", unquote(parts.path.lstrip("/"))
    version = parse_qs(parts.query).get("versionId", [""])[0]
    if ".amazonaws.com" in host and not host.startswith(("s3.", "s3-")):
        return host.partition(".s3")[0], path, version
    bucket, _, key = path.partition("/")
    return bucket, key, version
