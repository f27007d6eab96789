"""Steps 1, 2, 7 and 10: `{{resolve:service:...}}` in a resource's properties.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from sagemaker_rehearsal.cloudformation.resources import CUSTOM, ResourceError, explained
from sagemaker_rehearsal.server.service import Host

REFERENCE = re.compile(r"\{\{resolve:([^:{}]*):?([^{}]*)\}\}")
BEGINNING = re.compile(r"\{\{resolve:([^:{}]*)")
ARN_PARTS = 7  # arn:aws:secretsmanager:region:account:secret:name
SECURE = ("ssm-secure", "secretsmanager")
PARITY = "see docs/parity.md"
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-ssm-secure-strings.html
SECURE_PROPERTIES = frozenset(
    {
        "AWS::DirectoryService::MicrosoftAD/Properties/Password",
        "AWS::DirectoryService::SimpleAD/Properties/Password",
        "AWS::ElastiCache::ReplicationGroup/Properties/AuthToken",
        "AWS::IAM::User/Properties/LoginProfile/Password",
        "AWS::KinesisFirehose::DeliveryStream/Properties/RedshiftDestinationConfiguration/Password",
        "AWS::RDS::DBCluster/Properties/MasterUserPassword",
        "AWS::RDS::DBInstance/Properties/MasterUserPassword",
        "AWS::Redshift::Cluster/Properties/MasterUserPassword",
    }
)


def services(node: object) -> set[str]:
    """Return the services that a part of a template refers to dynamically."""
    if isinstance(node, Mapping):
        return {service for value in node.values() for service in services(value)}
    if isinstance(node, list):
        return {service for item in node for service in services(item)}
    return set(BEGINNING.findall(node)) if isinstance(node, str) else set()


def resolve(cloud: Host, kind: str, node: Any, path: str = "Properties") -> Any:  # noqa: ANN401 (JSON)
    """Replace every dynamic reference in a resource's properties.

    Args:
        cloud: the embedded AWS, as the stack's role or its caller.
        kind: the resource's type.
        node: its properties, or a part of them, with functions worked out.
        path: where they stand.

    Raises:
        ResourceError: there is no such parameter or secret, or the reference may not stand there.
    """
    if isinstance(node, Mapping):
        return {key: resolve(cloud, kind, value, f"{path}/{key}") for key, value in node.items()}
    if isinstance(node, list):
        return [resolve(cloud, kind, item, path) for item in node]
    if not isinstance(node, str) or "{{resolve:" not in node:
        return node
    if len(REFERENCE.findall(node)) != node.count("{{resolve:"):
        raise ResourceError(f"Template error: {kind}/{path} has a dynamic reference of an unknown form: {node}")
    return REFERENCE.sub(lambda match: _value(cloud, kind, path, match), node)


def _value(cloud: Host, kind: str, path: str, match: re.Match[str]) -> str:
    service, key = match[1], match[2]
    if service == "ssm-secure" and f"{kind}/{path}" not in SECURE_PROPERTIES:
        raise ResourceError(f"SSM Secure reference is not supported in: [{kind}/{path}]")
    if service in SECURE and (kind.startswith(CUSTOM) or kind == "AWS::CloudFormation::CustomResource"):
        # "Dynamic references for secure values ... aren't currently supported in custom resources"
        raise ResourceError(f"Dynamic references of {service} are not supported in custom resources: {kind}/{path}")
    if service in ("ssm", "ssm-secure"):
        return _parameter(cloud, service, key)
    if service == "secretsmanager":
        return _secret(cloud, key)
    raise ResourceError(f"Template error: the rehearsal does not resolve {match[0]}; {PARITY}")


def _parameter(cloud: Host, service: str, key: str) -> str:
    """Return a parameter's value: `name`, or `name:version`."""
    try:
        parameter = cloud.client("ssm").get_parameter(Name=key, WithDecryption=service == "ssm-secure")["Parameter"]
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("ParameterNotFound", "ParameterVersionNotFound"):
            raise ResourceError(explained(error)) from error
        # https://github.com/aws-samples/data-mesh-datazone-cdk-cloudformation/issues/19 quotes it
        raise ResourceError(f"Parameters: [{service}:{key}] cannot be found.") from error
    if service == "ssm" and parameter["Type"] == "SecureString":
        raise ResourceError(f"Template error: {service}:{key} is a SecureString, which only ssm-secure resolves")
    return str(parameter["Value"])


def _secret(cloud: Host, key: str) -> str:
    """Return a secret: `id:SecretString:json-key:version-stage:version-id`, of which all but the id can be absent."""
    parts = key.split(":")
    length = ARN_PARTS if key.startswith("arn:") else 1
    name, rest = ":".join(parts[:length]), [*parts[length:], "", "", "", ""]
    string, member, stage, version = rest[:4]
    if string not in ("", "SecretString"):
        raise ResourceError(f"Template error: secretsmanager:{key}: only SecretString can be resolved")
    optional = {"VersionStage": stage, "VersionId": version}
    try:
        answer = cloud.client("secretsmanager").get_secret_value(
            SecretId=name, **{option: value for option, value in optional.items() if value}
        )
    except ClientError as error:
        raise ResourceError(explained(error)) from error
    text = answer.get("SecretString")
    if text is None:
        raise ResourceError(f"Template error: secretsmanager:{key}: the secret has no SecretString")
    if not member:
        return str(text)
    try:
        value = json.loads(text)[member]
    except (ValueError, KeyError, TypeError) as error:
        raise ResourceError(f"Could not find a value associated with JSONKey in SecretString: {member}") from error
    return value if isinstance(value, str) else json.dumps(value)
