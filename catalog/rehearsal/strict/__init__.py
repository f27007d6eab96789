"""All steps: what AWS refuses and moto would take: names, sizes and states of S3, IAM, SNS, SQS, logs and metrics.

Importing this registers the checks. Each looks at a request and lets moto answer what it lets pass.
"""

from catalog.rehearsal.strict import buckets, logs, metrics, objects, policies, queues, topics

__all__ = ["buckets", "logs", "metrics", "objects", "policies", "queues", "topics"]
