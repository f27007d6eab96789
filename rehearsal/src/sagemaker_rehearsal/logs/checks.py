"""Step 3: CloudWatch Logs: validation of retention periods.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
"""

from typing import Any

from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.service import Call, operation

DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)


@operation("logs", "PutRetentionPolicy")
def put_retention_policy(call: Call) -> dict[str, Any]:
    """Set a log group's retention, which must be one of AWS's periods."""
    days = call.params["retentionInDays"]
    if days not in DAYS:
        constraint = f"Member must satisfy enum value set: [{', '.join(map(str, DAYS))}]"
        where = f"Value '{days}' at 'retentionInDays' failed to satisfy constraint"
        raise AwsError("InvalidParameterException", f"1 validation error detected: {where}: {constraint}")
    return call.to_moto()
