"""Steps 1, 2, 7 and 10: parameters of a template that name parameters of Systems Manager.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-supplied-parameter-types.html
"""

from collections.abc import Mapping
from typing import Any

from sagemaker_rehearsal.cloudformation.form import invalid
from sagemaker_rehearsal.server.service import Host

NAME, VALUE = "AWS::SSM::Parameter::Name", "AWS::SSM::Parameter::Value<"
MOST = 10  # names of one GetParameters


class Stored(str):
    """A parameter's value, which is a name in Systems Manager, that knows what is stored there: Ref gives that."""

    stored: str

    def __new__(cls, name: str, stored: str) -> "Stored":
        """Return a name with the value that is stored there."""
        value = super().__new__(cls, name)
        value.stored = stored
        return value


def fetch(cloud: Host, declared: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, str]:
    """Return a template's parameters, with the stored value of each that names one.

    The names are looked up anew for every stack operation, as the caller.

    Raises:
        AwsError: there is no such parameter, or it is a SecureString. The words are AWS's, as
            https://github.com/awslabs/aws-deployment-framework/issues/339 quotes those of the first.
    """
    kinds = {name: str(rule.get("Type")) for name, rule in declared.items()}
    names = {key: values[key] for key, kind in kinds.items() if kind == NAME or kind.startswith(VALUE)}
    if not names:
        return dict(values)
    stored = _stored(cloud, sorted(set(names.values())))
    lost = [name for name in dict.fromkeys(names.values()) if name not in stored]
    if lost:
        raise invalid(f"Unable to fetch parameters [{','.join(lost)}] from parameter store for this account.")
    secret = [name for name in dict.fromkeys(names.values()) if stored[name]["Type"] == "SecureString"]
    if secret:
        raise invalid(
            f"Parameters [{','.join(secret)}] referenced by template have types not supported by CloudFormation."
        )
    fetched = dict(values)
    for key, name in names.items():
        if kinds[key] != NAME:
            fetched[key] = Stored(name, str(stored[name]["Value"]))
    return fetched


def _stored(cloud: Host, names: list[str]) -> dict[str, dict[str, Any]]:
    """Return the parameters that there are, by the names that they were asked for."""
    client, entries = cloud.client("ssm"), []
    for start in range(0, len(names), MOST):
        entries += client.get_parameters(Names=names[start : start + MOST])["Parameters"]
    return {entry["Name"] + entry.get("Selector", ""): entry for entry in entries} | {
        entry["ARN"]: entry for entry in entries
    }
