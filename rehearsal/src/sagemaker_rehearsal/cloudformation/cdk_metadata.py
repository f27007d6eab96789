"""Steps 1, 2, 7 and 10: AWS::CDK::Metadata, by which the CDK tells AWS what it was used for.

https://docs.aws.amazon.com/cdk/v2/guide/usage-data.html
"""

import uuid
from collections.abc import Mapping

from sagemaker_rehearsal.cloudformation.resources import Made, Properties, Resource, ResourceType
from sagemaker_rehearsal.server.service import Host


class CdkMetadata(ResourceType):
    """A resource of which there is nothing but its id."""

    name = "AWS::CDK::Metadata"
    known = frozenset({"Analytics", "Modules"})

    def make(self, cloud: Host, name: str, properties: Properties) -> Made:
        """Return an id; nothing is made."""
        return str(uuid.uuid4()), {}

    def change(self, cloud: Host, old: Resource, name: str, properties: Properties) -> Mapping[str, str]:
        """Change nothing."""
        return old.attributes

    def remove(self, cloud: Host, old: Resource) -> None:
        """Remove nothing."""
