"""Steps 1 and 3: buckets and IAM as CloudFormation makes them; importing this registers the types."""

from catalog.rehearsal.types import buckets, policies, roles

__all__ = ["buckets", "policies", "roles"]
