"""Steps 5 and 9: the product's approver policy allows approvals and nothing else; FourEyes is optional."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sagemaker_rehearsal.iam import policy
from sagemaker_rehearsal.iam.policy import Caller, Decision, Policies, Request
from tests.rehearsed.test_templates import PRODUCT, PROJECT, SECURED, resolved

ACCOUNT = "123456789012"
APPROVER = f"arn:aws:iam::{ACCOUNT}:role/approver"
TRAINERS = [f"arn:aws:iam::{ACCOUNT}:role/service-role/trainer", f"arn:aws:iam::{ACCOUNT}:role/ml-team-*"]
PIPELINES = f"arn:aws:codepipeline:us-east-1:{ACCOUNT}:sagemaker-n-p-000000000001"
REGISTRY = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:model-package"
VERSION, GROUP = f"{REGISTRY}/n-p-000000000001/1", f"{REGISTRY}-group/n-p-000000000001"
STACKS = f"arn:aws:cloudformation:us-east-1:{ACCOUNT}:stack/sagemaker-n-p-000000000001"
BUCKET = "arn:aws:s3:::sagemaker-project-p-000000000001"
PUT, UPDATE = "codepipeline:PutApprovalResult", "sagemaker:UpdateModelPackage"
ACTION = f"{PIPELINES}-deploy/Approval/Approve"
STATUS = "sagemaker:modelapprovalstatus"


def of_product(**parameters: str) -> policy.Policy:
    """Return the approver policy of a project."""
    managed_policy = resolved(PRODUCT, {**PROJECT, **parameters})["ApproverPolicy"]
    assert managed_policy["ManagedPolicyName"] == "sagemaker-n-p-000000000001-approver"
    return policy.read(json.dumps(managed_policy["PolicyDocument"]), "approver")


def decide(action: str, resource: str, keys: dict[str, str], *held: policy.Policy, who: str = APPROVER) -> Decision:
    """Evaluate a role's request."""
    context = {"aws:principalarn": (who,), **{key: (value,) for key, value in keys.items()}}
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/{who.rpartition('/')[2]}/person"
    return policy.decide(Request(action, resource, Caller(ACCOUNT, who, session), context), Policies(held))


APPROVALS: list[tuple[str, str, dict[str, str]]] = [
    (UPDATE, VERSION, {STATUS: "Approved"}),
    (UPDATE, VERSION, {STATUS: "Rejected"}),
    (PUT, ACTION, {}),
]
LOOKS: list[tuple[str, str, dict[str, str]]] = [
    ("sagemaker:DescribeModelPackage", VERSION, {}),
    ("sagemaker:ListModelPackages", f"{REGISTRY}/n-p-000000000001/*", {}),
    ("sagemaker:DescribeModelPackageGroup", GROUP, {}),
    ("codepipeline:GetPipelineState", f"{PIPELINES}-deploy", {}),
    ("codepipeline:GetPipelineExecution", f"{PIPELINES}-deploy", {}),
    ("codepipeline:ListPipelineExecutions", f"{PIPELINES}-deploy", {}),
    ("s3:GetObject", f"{BUCKET}/releases/1/staging/dossier.html", {}),
    ("s3:GetObject", f"{BUCKET}/runs/1/evaluation/model_quality.json", {}),
    ("s3:ListBucket", BUCKET, {"s3:prefix": "releases/1/"}),
]
FORBIDDEN: list[tuple[str, str, dict[str, str]]] = [
    (UPDATE, VERSION, {}),  # changes of anything but the status
    (UPDATE, VERSION, {STATUS: "PendingManualApproval"}),
    (UPDATE, VERSION.replace("/n-p-", "/m-p-"), {STATUS: "Approved"}),
    (PUT, ACTION.replace("sagemaker-n-", "sagemaker-m-"), {}),
    (PUT, f"{PIPELINES}-deploy/Production/Deploy", {}),
    ("codepipeline:StartPipelineExecution", f"{PIPELINES}-deploy", {}),
    ("codepipeline:StartPipelineExecution", f"{PIPELINES}-build", {}),
    ("codepipeline:RetryStageExecution", f"{PIPELINES}-deploy/Production", {}),
    ("codepipeline:UpdatePipeline", f"{PIPELINES}-deploy", {}),
    ("sagemaker:CreateModelPackage", GROUP, {}),
    ("sagemaker:DeleteModelPackage", VERSION, {}),
    ("sagemaker:CreateEndpoint", f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:endpoint/n-prod", {}),
    ("cloudformation:CreateStack", f"{STACKS}-prod/*", {}),
    ("codecommit:GitPush", f"arn:aws:codecommit:us-east-1:{ACCOUNT}:sagemaker-n-p-000000000001", {}),
    ("s3:PutObject", f"{BUCKET}/releases/1/staging/dossier.html", {}),
    ("s3:GetObject", f"{BUCKET}/input/data.csv", {}),
    ("s3:GetObject", f"{BUCKET}/runs/1/automl/model.tar.gz", {}),
    ("s3:ListBucket", BUCKET, {}),
    ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/sagemaker-n-p-000000000001-stack", {}),
]  # fmt: skip


@pytest.mark.parametrize(("action", "resource", "keys"), APPROVALS + LOOKS)
def test_an_approver_may_look_and_decide(action: str, resource: str, keys: dict[str, str]) -> None:
    assert decide(action, resource, keys, of_product()).allowed
    assert not decide(action, resource, keys).allowed  # without the policy


@pytest.mark.parametrize(("action", "resource", "keys"), FORBIDDEN)
def test_an_approver_may_do_nothing_else(action: str, resource: str, keys: dict[str, str]) -> None:
    """Neither deploy nor register, and read only the data that a decision needs."""
    assert not decide(action, resource, keys, of_product()).allowed


def test_an_approver_reads_what_the_teams_key_encrypts_by_s3_alone() -> None:
    held, key = of_product(**SECURED), SECURED["KmsKeyArn"]
    allowed = [
        decide("kms:Decrypt", key, {"kms:viaservice": f"{service}.us-east-1.amazonaws.com"}, held).allowed
        for service in ("s3", "sagemaker")
    ]
    assert (allowed, decide("kms:Decrypt", key, {}, of_product()).allowed) == ([True, False], False)


@pytest.mark.parametrize(("action", "resource", "keys"), APPROVALS)
@pytest.mark.parametrize("who", [TRAINERS[0], f"arn:aws:iam::{ACCOUNT}:role/ml-team-a"])
def test_with_four_eyes_a_trainers_role_cannot_approve_whatever_else_it_holds(
    action: str, resource: str, keys: dict[str, str], who: str
) -> None:
    """AmazonSageMakerFullAccess would allow it; the approver policy's explicit deny takes precedence."""
    everything = policy.read(
        json.dumps({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}), "everything"
    )
    held = of_product(TrainerRoleArns=",".join(TRAINERS))
    decision = decide(action, resource, keys, held, everything, who=who)
    assert (decision.allowed, decision.by) == (False, "approver: FourEyes")
    assert decide(action, resource, keys, held).allowed  # another role
    assert decide(action, resource, keys, of_product(), who=who).allowed  # without FourEyes


def test_four_eyes_take_nobody_the_right_to_look() -> None:
    held = of_product(TrainerRoleArns=",".join(TRAINERS))
    allowed: list[Any] = [decide(*request, held, who=TRAINERS[0]).allowed for request in LOOKS]
    assert allowed == [True] * len(LOOKS)
