"""The people of the ten steps: a Studio role for leads, a role for approvers, and one for applications.

Operations act as the account's administrator, as `catalog/README.md` asks. The Studio role holds the part of
AmazonSageMakerFullAccess that creating a project and looking take; nothing of it makes resources by itself, and it may
not approve. What else a lead needs to make projects from S3 is the ops stack's policy (`StudioPolicyArn`).

The approver's role has no rights of its own: operations attach the policy that the product makes for a project
(`ApproverPolicyArn`), and what that lacks shows up as a denial.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sagemaker_rehearsal.scenario.workspace import Running
from sagemaker_rehearsal.server import clients

STUDIO = "AmazonSageMaker-ExecutionRole-rehearsal"
APPROVER = "rehearsal-approver"
APPLICATION = "rehearsal-application"
# The policy with what people bring along; the report says nothing of it, since it is no part of the templates
POLICY = "rehearsal"
SESSION = "rehearsal"

STUDIO_MAY: list[dict[str, Any]] = [
    {
        "Effect": "Allow",
        "Action": [
            "sagemaker:CreateProject",
            "sagemaker:DeleteProject",
            "sagemaker:DescribeProject",
            "sagemaker:UpdateProject",
            "sagemaker:DescribeModelPackage",
            "sagemaker:ListModelPackages",
            "sagemaker:DescribePipelineExecution",
            "sagemaker:ListPipelineExecutions",
            "sagemaker:ListPipelineExecutionSteps",
            "servicecatalog:DescribeProduct",
            "servicecatalog:DescribeRecord",
            "servicecatalog:ListLaunchPaths",
            "servicecatalog:ProvisionProduct",
            "servicecatalog:SearchProducts",
            "servicecatalog:TerminateProvisionedProduct",
            "servicecatalog:UpdateProvisionedProduct",
            "codecommit:GetBranch",
            "codecommit:GitPull",
            "codecommit:GitPush",
            "codepipeline:GetPipelineState",
            "codepipeline:ListActionExecutions",
            "codepipeline:ListPipelineExecutions",
            "s3:GetObject",
            "s3:ListBucket",
        ],
        "Resource": "*",
    }
]
APPLICATION_MAY: list[dict[str, Any]] = [{"Effect": "Allow", "Action": "sagemaker:InvokeEndpoint", "Resource": "*"}]


@dataclass(frozen=True)
class People:
    """Clients for each of the people.

    Attributes:
        url: of the embedded AWS.
        region: the region that everything is in.
        administrator: variables with the administrator's keys; of an AWS in this process by default.
    """

    url: str
    region: str
    administrator: Mapping[str, str] = field(default_factory=lambda: clients.KEYS, repr=False, compare=False)

    @classmethod
    def of(cls, running: Running) -> "People":
        """Return the people of an AWS that is up."""
        return cls(running.url, running.region, running.keys)

    def environment(self) -> dict[str, str]:
        """Return the variables that let a command act as the administrator."""
        return clients.environment(self.url, self.region, self.administrator)

    def ops(self, service: str) -> Any:  # noqa: ANN401 (boto3 clients have no type)
        """A client of the administrator."""
        return clients.client(self.url, self.region, service, self.administrator)

    def arrive(self) -> None:
        """Create the roles; twice is no error."""
        self._role(STUDIO, "sagemaker.amazonaws.com", STUDIO_MAY)
        self._role(APPROVER, "sagemaker.amazonaws.com", [])
        self._role(APPLICATION, "ecs-tasks.amazonaws.com", APPLICATION_MAY)

    def _role(self, name: str, service: str, allowed: list[dict[str, Any]]) -> None:
        iam = self.ops("iam")
        account = self.ops("sts").get_caller_identity()["Account"]
        principal = {"Service": service, "AWS": f"arn:aws:iam::{account}:root"}
        assume = [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]
        document = json.dumps({"Version": "2012-10-17", "Statement": assume})
        try:
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=document, Path="/service-role/")
        except iam.exceptions.EntityAlreadyExistsException:
            return
        if allowed:
            policy = json.dumps({"Version": "2012-10-17", "Statement": allowed})
            iam.put_role_policy(RoleName=name, PolicyName=POLICY, PolicyDocument=policy)

    def equip(self, policy: str) -> None:
        """Let the lead create projects from S3: attach the ops stack's policy for Studio roles; twice is no error."""
        self.ops("iam").attach_role_policy(RoleName=STUDIO, PolicyArn=policy)

    def appoint(self, policy: str) -> None:
        """Let the approver approve: attach the policy of a project, by its ARN; twice is no error."""
        self.ops("iam").attach_role_policy(RoleName=APPROVER, PolicyArn=policy)

    def dismiss(self, policy: str) -> None:
        """Take the policy of a project from the approver; IAM deletes no policy that somebody holds."""
        self.ops("iam").detach_role_policy(RoleName=APPROVER, PolicyArn=policy)

    def role_arn(self, name: str) -> str:
        """The ARN of one of the roles."""
        return str(self.ops("iam").get_role(RoleName=name)["Role"]["Arn"])

    def studio(self, service: str) -> Any:  # noqa: ANN401 (boto3 clients have no type)
        """A client of the lead."""
        return self._as(STUDIO, service)

    def approver(self, service: str) -> Any:  # noqa: ANN401 (boto3 clients have no type)
        """A client of the approver."""
        return self._as(APPROVER, service)

    def application(self, service: str) -> Any:  # noqa: ANN401 (boto3 clients have no type)
        """A client of an application that calls the endpoint."""
        return self._as(APPLICATION, service)

    def keys(self, role: str) -> dict[str, str]:
        """Return the variables with credentials of one of the roles."""
        session = self.ops("sts").assume_role(RoleArn=self.role_arn(role), RoleSessionName=SESSION)["Credentials"]
        return {
            "AWS_ACCESS_KEY_ID": session["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": session["SecretAccessKey"],
            "AWS_SESSION_TOKEN": session["SessionToken"],
        }

    def _as(self, role: str, service: str) -> Any:  # noqa: ANN401 (boto3 clients have no type)
        return clients.client(self.url, self.region, service, self.keys(role))
