"""All steps: what AWS refuses and moto would take: names, sizes and states of S3, IAM, SNS, SQS, logs and metrics.

Importing this registers the checks. Each looks at a request and lets moto answer what it lets pass.
"""

import sagemaker_rehearsal.cloudwatch.checks
import sagemaker_rehearsal.iam.document_checks
import sagemaker_rehearsal.logs.checks
import sagemaker_rehearsal.s3.bucket_checks
import sagemaker_rehearsal.s3.object_checks
import sagemaker_rehearsal.sns.checks
import sagemaker_rehearsal.sqs.checks  # noqa: F401 (register)
