"""What the tests of steps 1 and 2 publish: the real portfolio.yaml with a small product."""

from __future__ import annotations

import io
import time
import zipfile

from catalog import publish
from catalog.bundle import ROOT, Bundle
from catalog.release import Wanted
from sagemaker_rehearsal.cloudformation.reading import read
from sagemaker_rehearsal.server import Cloud

PORTFOLIO = (ROOT / "catalog" / "portfolio.yaml").read_text(encoding="utf-8")
HANDLER = "def handler(event, context):\n    return {}\n"
# Every template feature that product.yaml uses, with few resources
PRODUCT = """
AWSTemplateFormatVersion: 2010-09-09
Description: A product for tests
Parameters:
  SageMakerProjectName: {Type: String, AllowedPattern: "^[a-z](-*[a-z0-9])*$", MaxLength: 32}
  SageMakerProjectId: {Type: String, AllowedPattern: "^p-[a-z0-9]{12}$"}
  Title: {Type: String, Default: A title, MaxLength: 20}
  Retention: {Type: Number, Default: 30}
  Unique: {Type: String, Default: ""}
  Broken: {Type: String, Default: "no", AllowedValues: ["no", "yes"]}
Rules:
  Titled:
    Assertions:
      - Assert: !Not [!Equals [!Ref Title, ""]]
        AssertDescription: Title must be given
Mappings:
  Published:
    Template:
      Bucket: unpublished
      Key: unpublished
      VersionId: unpublished
      Sha256: unpublished
Conditions:
  IsBroken: !Equals [!Ref Broken, "yes"]
  IsWhole: !Not [!Condition IsBroken]
Resources:
  Bucket:
    Type: AWS::S3::Bucket
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Properties:
      BucketName: !Sub sagemaker-project-${SageMakerProjectId}
      LifecycleConfiguration:
        Rules:
          - {Id: replaced, Status: Enabled, NoncurrentVersionExpiration: {NoncurrentDays: !Ref Retention}}
  Role:
    Type: AWS::IAM::Role
    DependsOn: Bucket
    Properties:
      RoleName: !Sub sagemaker-${SageMakerProjectName}-${SageMakerProjectId}-exec
      Description: !Ref Title
      PermissionsBoundary: !Sub arn:${AWS::Partition}:iam::${AWS::AccountId}:policy/sagemaker-autopilot-boundary
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: sagemaker.amazonaws.com}, Action: sts:AssumeRole}]
      Policies:
        - PolicyName: data
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - {Effect: Allow, Action: s3:GetObject, Resource: !Sub "${Bucket.Arn}/*"}
              - !If [IsWhole, !Ref AWS::NoValue, {Effect: Allow, Action: s3:PutObject, Resource: !GetAtt Bucket.Arn}]
  Repository:
    Type: AWS::SageMaker::CodeRepository
    Properties:
      CodeRepositoryName: !Sub sagemaker-${SageMakerProjectName}-${SageMakerProjectId}
      GitConfig:
        RepositoryUrl:
          !Sub ["https://${Domain}/${Key}", {Domain: example.com, Key: !FindInMap [Published, Template, Key]}]
        Branch: main
  Doubled:
    Type: AWS::S3::Bucket
    Condition: IsBroken
    DependsOn: [Role, Repository]
    Properties:
      BucketName: !Ref Bucket
Outputs:
  RoleArn: {Value: !GetAtt Role.Arn, Description: Runs jobs}
  Published: {Value: !FindInMap [Published, Template, Sha256]}
"""


def zipped(kind: str) -> Bundle:
    """Return a zip with a handler for the portfolio's functions."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo(f"catalog/{kind}/handler.py"), HANDLER)
    return Bundle(kind, buffer.getvalue())


def goal(product: str = PRODUCT, version: str = "v1.0.0", **parameters: str) -> Wanted:
    """Return the release to publish."""
    declared = frozenset(read(PORTFOLIO)["Parameters"])
    bundles = (zipped("template"), zipped("hook"), zipped("router"))
    return Wanted(version, *bundles, product, PORTFOLIO, declared, parameters)


def aws(cloud: Cloud, messages: list[str] | None = None) -> publish.Aws:
    """Return publishing's view of an AWS account, with clients of the embedded one."""
    s3, cloudformation, servicecatalog = map(cloud.client, ("s3", "cloudformation", "servicecatalog"))
    say = (lambda _: None) if messages is None else messages.append
    return publish.Aws(s3, cloudformation, servicecatalog, cloud.region, sleep=lambda _: time.sleep(0.05), say=say)


def published(cloud: Cloud, product: str = PRODUCT, version: str = "v1.0.0", **parameters: str) -> dict[str, str]:
    """Publish and return the outputs of the ops stack."""
    publish.apply(aws(cloud), goal(product, version, **parameters), deprecate=False)
    stack = cloud.client("cloudformation").describe_stacks(StackName=publish.STACK)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
