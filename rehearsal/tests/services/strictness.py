"""An account with one resource of each type, for requests that AWS rejects because of existing resources."""

from __future__ import annotations

import io
import json
import string
import time
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd

from sagemaker_rehearsal.autopilot.archive import pack
from sagemaker_rehearsal.autopilot.engine import ModelCard, engine
from sagemaker_rehearsal.autopilot.metrics import objective
from sagemaker_rehearsal.autopilot.table import Column
from sagemaker_rehearsal.sagemaker import endpoints
from sagemaker_rehearsal.server import Cloud

# Not us-east-1, where CreateBucket of an existing bucket succeeds
REGION = "eu-west-1"
ACCOUNT = "123456789012"
BUCKET = "sagemaker-project-p-abc123def456"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/everybody"
ALLOW = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}'
SERVICES = ("codepipeline", "codebuild", "cloudformation", "lambda", "sagemaker", "scheduler", "events")
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": ACCOUNT, "Service": [f"{name}.amazonaws.com" for name in SERVICES]},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)
TOPIC = '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'
PASSING = {
    "Version": "2020-12-01",
    "Parameters": [{"Name": "Rate", "Type": "Float", "DefaultValue": 0.5}, {"Name": "Input", "Type": "String"}],
    "Steps": [{"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}}],
}
HANDLER = "def handler(event, context):\n    return {}\n"


def template(**sections: object) -> str:
    """Return a valid template, with sections changed or added."""
    return json.dumps({**json.loads(TOPIC), **sections})


def definition(**changes: object) -> str:
    """Return a valid SageMaker pipeline definition, with members changed or added."""
    return json.dumps({**PASSING, **changes})


def serverless(model: str = "model", **size: object) -> dict[str, Any]:
    """Return a production variant of a serverless endpoint."""
    chosen = {"MemorySizeInMB": 2048, "MaxConcurrency": 5, **size}
    return {"VariantName": "AllTraffic", "ModelName": model, "ServerlessConfig": chosen}


def action(name: str, category: str, provider: str, **more: object) -> dict[str, Any]:
    """Return an action of a CodePipeline pipeline."""
    kind = {"category": category, "owner": "AWS", "provider": provider, "version": "1"}
    return {"name": name, "actionTypeId": kind, **more}


SOURCE: dict[str, Any] = {
    "name": "Source",
    "actions": [
        action(
            "Source",
            "Source",
            "CodeCommit",
            configuration={"RepositoryName": "repository", "BranchName": "main", "PollForSourceChanges": "false"},
            outputArtifacts=[{"name": "Code"}],
        )
    ],
}
APPROVE: dict[str, Any] = {"name": "Approve", "actions": [action("Approve", "Approval", "Manual")]}


def pipeline(*stages: dict[str, Any], **changes: object) -> dict[str, Any]:
    """Return a CodePipeline pipeline: a source, then an approval unless other stages are given."""
    return {
        "name": "new",
        "roleArn": ROLE,
        "pipelineType": "V2",
        "artifactStore": {"type": "S3", "location": BUCKET},
        "stages": [SOURCE, *(stages or [APPROVE])],
        **changes,
    }


def project(**changes: object) -> dict[str, Any]:
    """Return a CodeBuild project with CodePipeline as its source."""
    environment = {"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0"}
    return {
        "name": "new",
        "source": {"type": "CODEPIPELINE"},
        "artifacts": {"type": "CODEPIPELINE"},
        "environment": {**environment, "computeType": "BUILD_GENERAL1_SMALL"},
        "serviceRole": ROLE,
        **changes,
    }


def function(**changes: object) -> dict[str, Any]:
    """Return a valid Lambda function."""
    return {
        "FunctionName": "new",
        "Runtime": "python3.12",
        "Handler": "code.handler",
        "Role": ROLE,
        "Code": {"S3Bucket": BUCKET, "S3Key": "code.zip"},
        **changes,
    }


def schedule(**changes: object) -> dict[str, Any]:
    """Return a valid schedule of EventBridge Scheduler."""
    return {
        "Name": "new",
        "ScheduleExpression": "rate(1 day)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:pipeline", "RoleArn": ROLE},
        **changes,
    }


def alarm(**changes: object) -> dict[str, Any]:
    """Return a valid CloudWatch alarm."""
    return {
        "AlarmName": "new",
        "Namespace": "AWS/SageMaker",
        "MetricName": "Invocation5XXErrors",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanThreshold",
        **changes,
    }


SCALABLE = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/endpoint/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredProvisionedConcurrency",
}


class Account:
    """The account's clients, and the names of its resources."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.names: dict[str, str] = {}

    def client(self, service: str) -> Any:  # noqa: ANN401 (boto3 clients have no type)
        """Return a client without boto3's own validation, so that invalid requests are sent."""
        return self.cloud.client(service, parameter_validation=False)

    def fill(self, folder: Path) -> None:
        """Create one resource of each type; the endpoint starts in the background."""
        self._storage_and_roles()
        self._endpoint(folder)
        self._stacks()
        self._catalogue()
        self._models()
        self._delivery()
        self._signals()

    def substituted(self, value: Any) -> Any:  # noqa: ANN401 (as it was)
        """Return parameters with `$name` replaced by the names of resources."""
        if isinstance(value, dict):
            return {key: self.substituted(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.substituted(item) for item in value]
        return string.Template(value).safe_substitute(self.names) if isinstance(value, str) else value

    def _storage_and_roles(self) -> None:
        s3, iam = self.client("s3"), self.client("iam")
        where = {"CreateBucketConfiguration": {"LocationConstraint": REGION}}
        s3.create_bucket(Bucket=BUCKET, **where)
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        s3.put_object(Bucket=BUCKET, Key="text", Body=b"text")
        s3.put_object(Bucket=BUCKET, Key="template.json", Body=TOPIC.encode())
        s3.put_object(Bucket=BUCKET, Key="broken.json", Body=b"{")
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("code.py", HANDLER)
        s3.put_object(Bucket=BUCKET, Key="code.zip", Body=packed.getvalue())
        iam.create_role(RoleName="everybody", AssumeRolePolicyDocument=TRUST)
        iam.put_role_policy(RoleName="everybody", PolicyName="inline", PolicyDocument=ALLOW)
        iam.create_role(RoleName="attached", AssumeRolePolicyDocument=TRUST)
        for number in range(10):
            policy_arn = iam.create_policy(PolicyName=f"policy-{number}", PolicyDocument=ALLOW)["Policy"]["Arn"]
            iam.attach_role_policy(RoleName="attached", PolicyArn=policy_arn)
        iam.create_policy(PolicyName="policy", PolicyDocument=ALLOW)
        for _ in range(4):
            iam.create_policy_version(PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/policy", PolicyDocument=ALLOW)

    def _endpoint(self, folder: Path) -> None:
        sagemaker = self.client("sagemaker")
        self.client("s3").put_object(Bucket=BUCKET, Key="model.tar.gz", Body=_model(folder).read_bytes())
        environment = {
            "MODEL_NAME": "Candidate",
            "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv",
            "SAGEMAKER_PROGRAM": "sagemaker_serve",
            "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
        }
        container = {"Image": "image", "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz", "Environment": environment}
        sagemaker.create_model(ModelName="model", PrimaryContainer=container, ExecutionRoleArn=ROLE)
        sagemaker.create_endpoint_config(EndpointConfigName="config", ProductionVariants=[serverless()])
        sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")

    def in_service(self) -> None:
        """Wait for the endpoint."""
        deadline = time.monotonic() + 60
        while (endpoint := endpoints.of(self.cloud).get("endpoint")).status == "Creating":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert endpoint.status == "InService", endpoint.reason

    def _stacks(self) -> None:
        cloudformation = self.client("cloudformation")
        cloudformation.create_stack(StackName="stack", TemplateBody=TOPIC, EnableTerminationProtection=True)
        for name, section in {"unchanged": {}, "waiting": {"Outputs": {"A": {"Value": "a"}}}}.items():
            cloudformation.get_waiter("stack_create_complete").wait(
                StackName="stack", WaiterConfig={"Delay": 0.05, "MaxAttempts": 200}
            )
            change_set = cloudformation.create_change_set(
                StackName="stack", ChangeSetName=name, TemplateBody=template(**section)
            )
            self.names[name] = change_set["Id"]

    def _catalogue(self) -> None:
        catalogue = self.client("servicecatalog")
        version = {"Name": "v1", "Info": {"LoadTemplateFromURL": f"https://{BUCKET}.s3.amazonaws.com/template.json"}}
        response = catalogue.create_product(
            Name="product",
            Owner="owner",
            ProductType="CLOUD_FORMATION_TEMPLATE",
            ProvisioningArtifactParameters={**version, "Type": "CLOUD_FORMATION_TEMPLATE"},
            IdempotencyToken="product",
        )
        product = response["ProductViewDetail"]["ProductViewSummary"]["ProductId"]
        folder = catalogue.create_portfolio(DisplayName="folder", ProviderName="owner", IdempotencyToken="portfolio")
        other = catalogue.create_portfolio(DisplayName="empty", ProviderName="owner", IdempotencyToken="empty")
        self.names |= {"product": product, "version": response["ProvisioningArtifactDetail"]["Id"]}
        self.names |= {"portfolio": folder["PortfolioDetail"]["Id"], "empty": other["PortfolioDetail"]["Id"]}
        catalogue.associate_product_with_portfolio(ProductId=product, PortfolioId=self.names["portfolio"])
        catalogue.create_constraint(
            PortfolioId=self.names["portfolio"],
            ProductId=product,
            Parameters=json.dumps({"RoleArn": ROLE}),
            Type="LAUNCH",
            IdempotencyToken="constraint",
        )

    def _models(self) -> None:
        sagemaker = self.client("sagemaker")
        sagemaker.create_model_package_group(ModelPackageGroupName="group")
        containers = {"Containers": [{"Image": "image", "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz"}]}
        types = {"SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"]}
        self.names["package"] = sagemaker.create_model_package(
            ModelPackageGroupName="group", InferenceSpecification={**containers, **types}
        )["ModelPackageArn"]
        sagemaker.create_pipeline(
            PipelineName="training", PipelineDefinition=definition(), ClientRequestToken="t" * 32, RoleArn=ROLE
        )
        sagemaker.create_code_repository(
            CodeRepositoryName="code", GitConfig={"RepositoryUrl": "https://github.com/owner/code"}
        )
        body = template(
            Parameters={name: {"Type": "String"} for name in ("SageMakerProjectName", "SageMakerProjectId")}
        )
        self.client("s3").put_object(Bucket=BUCKET, Key="project.json", Body=body.encode())
        url = f"https://{BUCKET}.s3.{REGION}.amazonaws.com/project.json"
        source = {"CfnTemplateProvider": {"TemplateName": "name", "TemplateURL": url, "RoleARN": ROLE}}
        sagemaker.create_project(ProjectName="adult", TemplateProviders=[source])

    def _delivery(self) -> None:
        codecommit = self.client("codecommit")
        codecommit.create_repository(repositoryName="repository")
        file = {"filePath": "README.md", "fileContent": b"read\n"}
        self.names["commit"] = codecommit.create_commit(
            repositoryName="repository", branchName="main", putFiles=[file]
        )["commitId"]
        self.client("codebuild").create_project(**project(name="project"))
        self.client("codepipeline").create_pipeline(pipeline=pipeline(name="pipeline"))
        awslambda = self.client("lambda")
        awslambda.create_function(**function(FunctionName="function"))
        permission = {"FunctionName": "function", "StatementId": "events", "Action": "lambda:InvokeFunction"}
        awslambda.add_permission(**permission, Principal="events.amazonaws.com")

    def _signals(self) -> None:
        self.names["topic"] = self.client("sns").create_topic(Name="topic")["TopicArn"]
        self.names["queue"] = self.client("sqs").create_queue(QueueName="queue")["QueueUrl"]
        events, logs, scaling = map(self.client, ("events", "logs", "application-autoscaling"))
        events.put_rule(Name="rule", EventPattern='{"source": ["aws.sagemaker"]}')
        events.put_targets(Rule="rule", Targets=[{"Id": "1", "Arn": self.names["topic"]}])
        self.client("scheduler").create_schedule(**schedule(Name="schedule"))
        logs.create_log_group(logGroupName="group")
        logs.create_log_stream(logGroupName="group", logStreamName="stream")
        scaling.register_scalable_target(**SCALABLE, MinCapacity=1, MaxCapacity=5)


def _model(folder: Path) -> Path:
    """Fit the smallest model that an endpoint can serve; return its archive (model.tar.gz)."""
    rows = pd.DataFrame({"age": [float(number % 50) for number in range(60)]})
    rows["income"] = ["more" if age > 25 else "less" for age in rows["age"]]
    chosen = engine("sklearn")
    kind = "BinaryClassification"
    fitted = chosen.fit(rows[:45], rows[45:], "income", kind, objective(kind, None), 60, 1)
    content = folder / "content"
    content.mkdir(parents=True)
    fitted.save_model(content)
    columns = (Column("age", "number"),)
    ModelCard("sklearn", chosen.title, "Candidate", kind, "income", columns, fitted.classes, {}).write(content)
    pack(content, folder / "model.tar.gz")
    return folder / "model.tar.gz"
