"""Step 10: CloudWatch: validation of statistics' periods and of namespaces for data.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
"""

from datetime import datetime
from typing import Any

from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.service import Call, operation

SHORT = (1, 5, 10, 20, 30)  # seconds; above, multiples of 60
MOST_POINTS = 1440


def _seconds(time: Any) -> float:  # noqa: ANN401 (as the protocol has it)
    if isinstance(time, (int, float)):
        return float(time)
    return (time if isinstance(time, datetime) else datetime.fromisoformat(str(time))).timestamp()


@operation("cloudwatch", "GetMetricStatistics")
def get_metric_statistics(call: Call) -> dict[str, Any]:
    """Return statistics; validate time range, period and number of datapoints."""
    period, start, end = call.params["Period"], _seconds(call.params["StartTime"]), _seconds(call.params["EndTime"])
    if start >= end:
        raise AwsError("InvalidParameterValue", "The parameter StartTime must be less than the parameter EndTime.")
    if period not in SHORT and period % 60:
        raise AwsError("InvalidParameterValue", "The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60.")
    points = int((end - start) // period)
    if points > MOST_POINTS:
        message = f"You have requested up to {points:,} datapoints, which exceeds the limit of {MOST_POINTS:,}."
        raise AwsError("InvalidParameterCombination", message)
    return call.to_moto()


@operation("cloudwatch", "PutMetricData")
def put_metric_data(call: Call) -> dict[str, Any]:
    """Store data; namespaces that begin with `AWS/` are reserved."""
    if call.params["Namespace"].startswith("AWS/"):
        raise AwsError("InvalidParameterValue", "The value AWS/ for parameter Namespace is invalid.")
    return call.to_moto()
