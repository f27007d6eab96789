"""All steps: S3's permissions, whose names differ from its operations'.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote
from xml.etree import ElementTree

Keys = Mapping[str, tuple[str, ...]]
# Parts of a bucket's configuration: the name of the permission after Get or Put
_CONFIGURATION = {
    "accelerate": "AccelerateConfiguration",
    "acl": "BucketAcl",
    "analytics": "AnalyticsConfiguration",
    "cors": "BucketCORS",
    "encryption": "EncryptionConfiguration",
    "intelligent-tiering": "IntelligentTieringConfiguration",
    "inventory": "InventoryConfiguration",
    "lifecycle": "LifecycleConfiguration",
    "location": "BucketLocation",
    "logging": "BucketLogging",
    "metadataTable": "BucketMetadataTableConfiguration",
    "metrics": "MetricsConfiguration",
    "notification": "BucketNotification",
    "object-lock": "BucketObjectLockConfiguration",
    "ownershipControls": "BucketOwnershipControls",
    "policy": "BucketPolicy",
    "policyStatus": "BucketPolicyStatus",
    "publicAccessBlock": "BucketPublicAccessBlock",
    "replication": "ReplicationConfiguration",
    "requestPayment": "BucketRequestPayment",
    "tagging": "BucketTagging",
    "versioning": "BucketVersioning",
    "website": "BucketWebsite",
}
# Deleting any other part requires the permission to put it
_DELETED = {"policy": "s3:DeleteBucketPolicy", "website": "s3:DeleteBucketWebsite"}
_OBJECT_PARTS = {"acl": "ObjectAcl", "tagging": "ObjectTagging", "retention": "ObjectRetention"}
_PREFIX = "arn:aws:s3:::"


@dataclass(frozen=True)
class Need:
    """A permission that a request requires, with S3's own condition keys."""

    action: str
    bucket: str = ""
    key: str = ""
    keys: Keys = field(default_factory=dict)

    @property
    def resource(self) -> str:
        """The ARN."""
        return f"{_PREFIX}{self.bucket}{'/' if self.key else ''}{self.key}" if self.bucket else "*"


@dataclass(frozen=True)
class Asked:
    """The parts of a path-style S3 request that decide on its permissions."""

    method: str
    bucket: str
    key: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def read(cls, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> "Asked":
        """Parse a request."""
        bucket, _, key = path.lstrip("/").partition("/")
        return cls(method, bucket, key, dict(parse_qsl(query, keep_blank_values=True)), headers, body)


def needs(asked: Asked) -> list[Need]:
    """List the permissions that a request requires."""
    if not asked.bucket:
        return [Need("s3:ListAllMyBuckets")]
    if asked.key:
        return list(_of_object(asked))
    return list(_of_bucket(asked))


def _of_bucket(asked: Asked) -> Iterator[Need]:
    part = next((name for name in _CONFIGURATION if name in asked.query), None)
    if asked.method == "POST" and "delete" in asked.query:
        yield from _deleted(asked)
    elif part:
        yield Need(_configured(asked.method, part), asked.bucket)
    elif asked.method in ("GET", "HEAD"):
        yield Need(_listed(asked), asked.bucket, keys=_listing_keys(asked))
    else:
        yield Need({"PUT": "s3:CreateBucket", "DELETE": "s3:DeleteBucket"}.get(asked.method, "s3:*"), asked.bucket)


def _configured(method: str, part: str) -> str:
    if method == "DELETE" and part in _DELETED:
        return _DELETED[part]
    return f"s3:{'Get' if method in ('GET', 'HEAD') else 'Put'}{_CONFIGURATION[part]}"


def _listed(asked: Asked) -> str:
    if "versions" in asked.query:
        return "s3:ListBucketVersions"
    return "s3:ListBucketMultipartUploads" if "uploads" in asked.query else "s3:ListBucket"


def _listing_keys(asked: Asked) -> Keys:
    names = {"prefix": "s3:prefix", "delimiter": "s3:delimiter", "max-keys": "s3:max-keys"}
    return {key: (asked.query[name],) for name, key in names.items() if name in asked.query}


def _deleted(asked: Asked) -> Iterator[Need]:
    """Yield a permission for each object in the body of DeleteObjects."""
    try:
        root = ElementTree.fromstring(asked.body)  # noqa: S314 (from this machine)
        objects = [element for element in root if element.tag.endswith("Object")]
    except ElementTree.ParseError:
        objects = []
    for element in objects:
        parts = {child.tag.rpartition("}")[2]: child.text or "" for child in element}
        yield Need(f"s3:DeleteObject{'Version' if 'VersionId' in parts else ''}", asked.bucket, parts.get("Key", ""))


def _of_object(asked: Asked) -> Iterator[Need]:
    yield Need(_object_action(asked), asked.bucket, asked.key, _object_keys(asked))
    source = asked.headers.get("x-amz-copy-source", "")
    if asked.method == "PUT" and source:
        bucket, _, key = unquote(source).lstrip("/").partition("/")
        name, version, number = key.partition("?versionId=")
        yield Need(
            f"s3:GetObject{'Version' if version else ''}", bucket, name, {"s3:versionid": (number,)} if number else {}
        )
    for header, action in (("x-amz-tagging", "s3:PutObjectTagging"), ("x-amz-acl", "s3:PutObjectAcl")):
        if asked.method in ("PUT", "POST") and header in asked.headers:
            yield Need(action, asked.bucket, asked.key, _object_keys(asked))


def _object_action(asked: Asked) -> str:
    version = "Version" if "versionId" in asked.query else ""
    part = next((name for name in _OBJECT_PARTS if name in asked.query), None)
    if part:
        verb = {"GET": "Get", "HEAD": "Get", "DELETE": "Delete"}.get(asked.method, "Put")
        return f"s3:{verb}{_OBJECT_PARTS[part].replace('Object', 'Object' + version)}"
    if "uploadId" in asked.query and asked.method in ("GET", "DELETE"):
        return {"GET": "s3:ListMultipartUploadParts", "DELETE": "s3:AbortMultipartUpload"}[asked.method]
    verbs = {"GET": f"GetObject{version}", "HEAD": f"GetObject{version}", "DELETE": f"DeleteObject{version}"}
    return f"s3:{verbs.get(asked.method, 'PutObject')}"


def _object_keys(asked: Asked) -> Keys:
    names = ("x-amz-acl", "x-amz-server-side-encryption", "x-amz-storage-class", "x-amz-copy-source")
    keys = {f"s3:{name}": (asked.headers[name],) for name in names if name in asked.headers}
    if "versionId" in asked.query:
        keys["s3:versionid"] = (asked.query["versionId"],)
    for name, value in parse_qsl(asked.headers.get("x-amz-tagging", "")):
        keys[f"s3:requestobjecttag/{name.lower()}"] = (value,)
    return keys
