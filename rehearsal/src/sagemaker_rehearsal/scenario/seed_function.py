"""Step 3 in a team's repository: the function that product.yaml's Custom::Seed calls, without a template to seed from.

It answers CloudFormation and leaves the repository empty; the rehearsal pushes the team's working tree afterwards. The
text of this file runs as the Lambda function `sagemaker-autopilot-seed`, so it imports nothing of this package.
"""

import json
import urllib.request
from typing import Any

SUMMARY = "nothing to seed: the rehearsal pushes the working tree"


def handler(event: dict[str, Any], context: object) -> None:
    """Tell CloudFormation that the resource is there."""
    answer = {
        "Status": "SUCCESS",
        "Reason": SUMMARY,
        "PhysicalResourceId": event.get("PhysicalResourceId", "rehearsal-seed"),
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "Data": {"Summary": SUMMARY, "TreeId": "none"},
    }
    print(json.dumps({"status": "SUCCESS", "message": SUMMARY, "stack": event["StackId"]}), flush=True)
    # The signature of a pre-signed address covers an empty content type
    request = urllib.request.Request(  # noqa: S310 (CloudFormation's own address)
        event["ResponseURL"], json.dumps(answer).encode(), {"Content-Type": ""}, method="PUT"
    )
    urllib.request.urlopen(request, timeout=10).close()  # noqa: S310
