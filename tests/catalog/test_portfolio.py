"""Step 1: the ops stack: clean, named as product.yaml derives it, and its roles allow what they need and no more."""

from __future__ import annotations

import fnmatch
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import cfnlint
import pytest

from catalog.release import FIRST_VERSION, GIVEN_TO_STACK, MAX_STACK_TEMPLATE, STUDIO_KEY, VISIBLE
from tests.catalog import policies
from tests.catalog.policies import ROOT, Document, Stack, documents, listed, load

PATH, PRODUCT = ROOT / "catalog" / "portfolio.yaml", ROOT / "catalog" / "product.yaml"
TEXT = PATH.read_text(encoding="utf-8")
TEMPLATE = load(PATH)
DIGEST = "0123456789abcdef"
PUBLISHED = {
    "HookZipKey": f"hook/{DIGEST}/hook.zip",
    "RouterZipKey": f"router/{DIGEST}/router.zip",
    "ProductTemplateKey": f"product/{DIGEST}/product.yaml",
    "ProductVersionName": "v1.2.3-4-g0a1b2c3-dirty (01234567)",
}
ROLES = [f"arn:aws:iam::111122223333:role/service-role/studio-{number}" for number in range(1, 6)]
FIRST = Stack(TEMPLATE)
WHOLE = Stack(TEMPLATE, {**PUBLISHED, "StudioRoleArns": ",".join(ROLES)})
POLICIES = list(documents(WHOLE))
NAMES = [document.where for document in POLICIES]

# IAM takes no resource for these: `make audit` finds those for which it takes one, by IAM's own reference.
STAR = {
    "application-autoscaling:DescribeScalableTargets",
    "application-autoscaling:DescribeScalingPolicies",
    "application-autoscaling:DescribeScheduledActions",
    "cloudformation:GetTemplateSummary",
    "cloudformation:ValidateTemplate",
    "cloudwatch:GetMetricData",
    "cloudwatch:PutMetricData",
    "codecommit:ListRepositories",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
    "ecr:GetAuthorizationToken",
    "logs:DescribeIndexPolicies",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "sagemaker:ListCandidatesForAutoMLJob",
    "sns:Unsubscribe",
}
# For these it takes one; a test below says which statement has them, and why without.
UNSCOPED = {
    "ec2:CreateNetworkInterface",
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterface",
    "ec2:DeleteNetworkInterfacePermission",
}
# Of these it is not documented that they send aws:SourceAccount with AssumeRole; Lambda does not.
TRUSTED_AS_THEY_ARE = {"lambda.amazonaws.com", "servicecatalog.amazonaws.com", "cloudformation.amazonaws.com"}


def documents_of(name: str) -> list[Document]:
    """Return the documents of one resource."""
    return [document for document in POLICIES if document.where.split()[0] == name]


def allowed(items: Iterable[Document]) -> Iterator[tuple[str, str]]:
    """Yield each action with each resource that is allowed."""
    for document in items:
        for statement in document.statements if document.kind != "trust" else []:
            if statement["Effect"] == "Allow":
                yield from ((a, r) for a in listed(statement["Action"]) for r in listed(statement["Resource"]))


# ---- Form


def test_cfn_lint_finds_nothing() -> None:
    assert [] == [str(finding) for finding in cfnlint.lint(TEXT, regions=["us-east-1"])]


def test_cloudformation_takes_it_at_once() -> None:
    assert len(TEXT.encode()) < MAX_STACK_TEMPLATE


@pytest.mark.parametrize("name", TEMPLATE["Parameters"])
def test_every_parameter_is_labelled_grouped_explained_bounded_and_used(name: str) -> None:
    form, parameter = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"], TEMPLATE["Parameters"][name]
    assert name in form["ParameterLabels"]
    assert 1 == [name in group["Parameters"] for group in form["ParameterGroups"]].count(True)
    assert "" != parameter["Description"]
    assert {"AllowedPattern", "AllowedValues"} & set(parameter)
    used = {part: TEMPLATE[part] for part in ("Conditions", "Resources")}
    assert re.search(rf"'Ref': '{name}'|\${{{name}}}", str(used))


def test_everything_that_can_be_tagged_is() -> None:
    untagged = {
        "AWS::IAM::ManagedPolicy",
        "AWS::Lambda::Permission",
        "AWS::S3::BucketPolicy",
        "AWS::SQS::QueuePolicy",
        "AWS::ServiceCatalog::LaunchRoleConstraint",
        "AWS::ServiceCatalog::PortfolioPrincipalAssociation",
        "AWS::ServiceCatalog::PortfolioProductAssociation",
    }
    tag = {"Key": "catalog", "Value": "sagemaker-autopilot"}
    result = {name: resource for name, resource in TEMPLATE["Resources"].items() if resource["Type"] not in untagged}
    assert {name: True for name in result} == {
        name: tag in entry["Properties"]["Tags"] for name, entry in result.items()
    }


def test_logs_end_some_day() -> None:
    groups = [resource for resource in TEMPLATE["Resources"].values() if resource["Type"] == "AWS::Logs::LogGroup"]
    assert [{"Ref": "LogRetentionInDays"}] * 2 == [group["Properties"]["RetentionInDays"] for group in groups]


# ---- What publishing relies on


def test_the_parameters_that_publishing_gives_are_declared_and_may_be_empty_at_first() -> None:
    values = {name: TEMPLATE["Parameters"][name] for name in GIVEN_TO_STACK}
    assert {name: "" for name in PUBLISHED} == {name: entry["Default"] for name, entry in values.items()}
    broken = [name for name, entry in values.items() if not re.fullmatch(entry["AllowedPattern"], PUBLISHED[name])]
    assert [] == broken
    assert set(FIRST_VERSION) < set(values)


@pytest.mark.parametrize("version", ["v1.0.0 (01234567)", "c75862d (01234567)", "v1.2.3-4-g0a1b2c3-dirty (01234567)"])
def test_every_name_that_git_describe_gives_is_taken_as_a_version(version: str) -> None:
    assert re.fullmatch(TEMPLATE["Parameters"]["ProductVersionName"]["AllowedPattern"], version)


def test_the_first_launch_needs_no_content() -> None:
    """Neither an object of the bucket that it makes, nor anything that is made of one."""
    result = FIRST.resources()
    assert [] == [
        name for name in result if result[name]["Type"] in ("AWS::Lambda::Function", "AWS::Lambda::Permission")
    ]
    assert [] == [name for name in result if name in ("Product", "ProductInPortfolio", "LaunchConstraint")]
    assert {"ArtifactBucket", "ArtifactBucketPolicy", "Portfolio", "LaunchRole", "Boundary"} <= set(result)
    assert "sagemaker-autopilot-artifacts-111122223333-eu-west-1" == FIRST.outputs()["ArtifactBucket"]
    assert "ProductId" not in FIRST.outputs()


@pytest.mark.parametrize("values", [{}, PUBLISHED, WHOLE.given], ids=["first", "second", "whole"])
def test_nothing_that_is_made_refers_to_what_is_not(values: dict[str, str]) -> None:
    stack = Stack(TEMPLATE, values)
    result, every = set(stack.resources()), set(TEMPLATE["Resources"])
    remaining = {name: TEMPLATE["Resources"][name]["Properties"] for name in result}
    outputs = {name: output for name, output in TEMPLATE["Outputs"].items() if name in stack.outputs()}
    # Those under !If are resolved by the stack itself: it would raise for what is nowhere
    text = json.dumps([remaining, outputs])
    named = set(re.findall(r'"Ref": "(\w+)"|"Fn::GetAtt": \["(\w+)"|\$\{(\w+)[.}]', text))
    assert set() == {name for names in named for name in names if name in every} - result


def test_the_second_launch_makes_functions_and_product() -> None:
    result = Stack(TEMPLATE, PUBLISHED).resources()
    assert {"SeedFunction", "RouterFunction", "RouterPermission", "Product", "LaunchConstraint"} <= set(result)
    assert "ProductId" in Stack(TEMPLATE, PUBLISHED).outputs()
    version = result["Product"]["Properties"]["ProvisioningArtifactParameters"][0]
    assert PUBLISHED["ProductVersionName"] == version["Name"]
    assert version["Info"]["LoadTemplateFromURL"].endswith(f"/{PUBLISHED['ProductTemplateKey']}")


@pytest.mark.parametrize("count", range(6))
def test_up_to_five_studio_roles_may_launch_the_product(count: int) -> None:
    resources = Stack(TEMPLATE, {"StudioRoleArns": ",".join(ROLES[:count])}).resources().values()
    associations = [
        entry["Properties"] for entry in resources if entry["Type"].endswith("PortfolioPrincipalAssociation")
    ]
    assert ROLES[:count] == [association["PrincipalARN"] for association in associations]


def test_studio_lists_the_product() -> None:
    tags = {tag["Key"]: tag["Value"] for tag in TEMPLATE["Resources"]["Product"]["Properties"]["Tags"]}
    assert tags.items() >= VISIBLE.items()


def test_the_s3_route_opens_the_bucket_to_studio_alone() -> None:
    bucket = WHOLE.resources()["ArtifactBucket"]["Properties"]
    assert ["https://*.sagemaker.aws"] == bucket["CorsConfiguration"]["CorsRules"][0]["AllowedOrigins"]
    grants = {s["Sid"]: s for s in documents_of("ArtifactBucketPolicy")[0].statements if s["Effect"] == "Allow"}
    assert [{"AWS": ROLES}] * 2 == [statement["Principal"] for statement in grants.values()]
    assert fnmatch.fnmatchcase(
        f"arn:aws:s3:::{bucket['BucketName']}/{STUDIO_KEY}", grants["StudioReadsTemplates"]["Resource"]
    )
    assert WHOLE.outputs()["StudioTemplates"] == f"s3://{bucket['BucketName']}/{STUDIO_KEY.rpartition('/')[0]}/"


def test_without_the_s3_route_nobody_is_let_in_and_no_other_service_may_act_as_the_launch_role() -> None:
    stack = Stack(TEMPLATE, {**PUBLISHED, "StudioRoleArns": ",".join(ROLES), "S3ProvisionedRoute": "false"})
    result = stack.resources()
    assert "StudioPolicy" not in result
    statements = result["ArtifactBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert [] == [statement["Sid"] for statement in statements if statement["Effect"] == "Allow"]
    assert "CorsConfiguration" not in result["ArtifactBucket"]["Properties"]
    trust = result["LaunchRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert [["servicecatalog.amazonaws.com"]] == [statement["Principal"]["Service"] for statement in trust]


def test_studios_roles_make_stacks_of_projects_from_the_published_template_only() -> None:
    """By StudioPolicy; tests/rehearsed/test_launch_role.py tries the ways around it, one by one."""
    statements = {statement["Sid"]: statement for statement in documents_of("StudioPolicy")[0].statements}
    bucket, stacks = WHOLE.outputs()["ArtifactBucket"], "arn:aws:cloudformation:eu-west-1:111122223333:stack/SP-*"
    urls = [
        f"https://{bucket}.s3.eu-west-1.amazonaws.com/studio/*",
        f"https://{bucket}.s3.amazonaws.com/studio/*",
        f"https://s3.eu-west-1.amazonaws.com/{bucket}/studio/*",
    ]
    assert any(fnmatch.fnmatchcase(f"https://{bucket}.s3.eu-west-1.amazonaws.com/{STUDIO_KEY}", url) for url in urls)
    launch = {"cloudformation:RoleArn": "arn:aws:iam::111122223333:role/sagemaker-autopilot-launch"}
    result = {
        name: (statement["Effect"], statement.get("Resource"), statement.get("NotResource"), statement["Condition"])
        for name, statement in statements.items()
        if "cloudformation:CreateStack" in statement["Action"]
    }
    assert {
        "Projects": ("Allow", stacks, None, {"ArnEqualsIfExists": launch}),
        "ProjectsAreMadeOfTheTemplate": (
            "Deny",
            stacks,
            None,
            {"StringNotLike": {"cloudformation:TemplateUrl": urls}},
        ),
        "LaunchRoleMakesProjectsOnly": ("Deny", None, stacks, {"ArnEquals": launch}),
    } == result
    granted = {
        r for action, r in allowed(documents_of("StudioPolicy")) if action.startswith("cloudformation:") and r != "*"
    }
    assert {stacks} == granted


def test_the_s3_route_is_on_unless_it_is_switched_off() -> None:
    assert "true" == TEMPLATE["Parameters"]["S3ProvisionedRoute"]["Default"]
    assert {"StudioTemplates", "StudioPolicyArn"} <= set(FIRST.outputs())


def test_both_buckets_that_studio_reads_in_the_browser_have_the_cors_of_awss_sample() -> None:
    """Its six exposed headers, from s3_templates/cors-policy.json of aws-samples/sagemaker-custom-project-templates."""
    names = "ETag x-amz-delete-marker x-amz-id-2 x-amz-request-id x-amz-server-side-encryption x-amz-version-id"
    rule = {
        "AllowedOrigins": ["https://*.sagemaker.aws"],
        "AllowedMethods": ["GET", "HEAD"],
        "AllowedHeaders": ["*"],
        "ExposedHeaders": names.split(),
        "MaxAge": 3000,
    }
    project = Stack(load(PRODUCT)).resources()["Bucket"]["Properties"]
    result = [entry["CorsConfiguration"] for entry in (WHOLE.resources()["ArtifactBucket"]["Properties"], project)]
    assert [{"CorsRules": [rule]}] * 2 == result


# ---- The bucket


def test_the_bucket_is_private_versioned_encrypted_and_kept() -> None:
    bucket = TEMPLATE["Resources"]["ArtifactBucket"]
    assert ("RetainExceptOnCreate", "Retain") == (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"])
    properties = FIRST.resources()["ArtifactBucket"]["Properties"]
    assert {"Status": "Enabled"} == properties["VersioningConfiguration"]
    assert 4 == sum(properties["PublicAccessBlockConfiguration"].values())
    assert "AES256" in str(properties["BucketEncryption"])
    assert "Expiration" not in str(properties["LifecycleConfiguration"])  # product versions name object versions


@pytest.mark.parametrize(
    ("principal", "denied"),
    [
        (ROLES[0], True),
        ("arn:aws:iam::111122223333:role/service-role/AmazonSageMaker-ExecutionRole-20261124", True),
        ("arn:aws:iam::111122223333:role/sagemaker-adult-income-p-abc123def456-exec", True),
        ("arn:aws:iam::111122223333:role/ops", False),
    ],
)
def test_users_and_projects_cannot_replace_what_runs_as_the_hook(principal: str, denied: bool) -> None:
    """AmazonSageMakerFullAccess would let them: the bucket has `sagemaker` in its name."""
    patterns = [
        pattern
        for statement in documents_of("ArtifactBucketPolicy")[0].statements
        if statement["Effect"] == "Deny" and "s3:PutObject*" in statement["Action"]
        for condition in statement["Condition"].values()
        for pattern in listed(condition["aws:PrincipalArn"])
    ]
    assert denied == any(fnmatch.fnmatchcase(principal, pattern) for pattern in patterns)


# ---- Policies


@pytest.mark.parametrize("document", POLICIES, ids=NAMES)
def test_no_policy_reaches_further_than_its_job(document: Document) -> None:
    """No star where IAM takes a resource, no wildcard in an action, no NotAction."""
    for statement in document.statements:
        if statement["Effect"] == "Deny":
            continue
        assert {"NotAction", "NotResource", "NotPrincipal"}.isdisjoint(statement)
        actions = listed(statement["Action"])
        assert [] == [action for action in actions if "*" in action]
        if "*" in listed(statement.get("Resource", [])):
            assert set(actions) <= STAR | (UNSCOPED if statement["Sid"] == "Network" else set())
        assert len(set(actions)) == len(actions)


def test_the_list_of_actions_without_a_resource_holds_no_other() -> None:
    assert STAR | UNSCOPED == {action for action, resource in allowed(POLICIES) if resource == "*"}


@pytest.mark.parametrize("document", POLICIES, ids=NAMES)
def test_roles_are_passed_by_name_and_to_named_services(document: Document) -> None:
    for statement in document.statements if document.kind != "trust" else []:
        if statement["Effect"] == "Allow" and "iam:PassRole" in listed(statement["Action"]):
            assert ["iam:PassRole"] == listed(statement["Action"])
            launch = document.where == "StudioPolicy PolicyDocument"
            name = "sagemaker-autopilot-launch" if launch else "sagemaker-*-p-*"
            assert f"arn:aws:iam::111122223333:role/{name}" == statement["Resource"]
            services = statement["Condition"]["StringEquals"]["iam:PassedToService"]
            assert [] == [service for service in services if "*" in service]


@pytest.mark.parametrize("document", [item for item in POLICIES if item.kind == "trust"], ids=lambda item: item.where)
def test_services_are_trusted_for_this_account_where_they_say_for_which_they_act(document: Document) -> None:
    for statement in document.statements:
        for service in listed(statement["Principal"]["Service"]):
            account = statement.get("Condition", {}).get("StringEquals", {}).get("aws:SourceAccount")
            assert account == "111122223333" or service in TRUSTED_AS_THEY_ARE


@pytest.mark.parametrize("pseudo", [policies.PSEUDO, {"AWS::Region": "ap-northeast-1", "AWS::Partition": "aws-us-gov"}])
def test_policies_keep_iams_lengths(pseudo: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """10,240 characters for a role's own policies, 6,144 for a managed one, blanks not counted.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    """
    for name, value in pseudo.items():
        monkeypatch.setitem(policies.PSEUDO, name, value)
    length: Counter[tuple[str, str]] = Counter()
    for document in documents(WHOLE):
        length[document.where.split()[0], document.kind] += len(json.dumps(document.body, separators=(",", ":")))
    limits = {"identity": 10_240, "boundary": 6_144, "managed": 6_144, "trust": 2_048, "resource": 20_480}
    assert {} == {key: size for key, size in length.items() if size > limits[key[1]]}


# ---- The launch role

BOUND = {"iam:CreateRole", "iam:DeleteRolePolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"}


def test_the_launch_role_makes_roles_under_the_boundary_only() -> None:
    statements = [s for document in documents_of("LaunchRole") for s in document.statements]
    for statement in statements:
        if BOUND & set(listed(statement["Action"])):
            assert BOUND == set(statement["Action"])
            boundary = {"iam:PermissionsBoundary": "arn:aws:iam::111122223333:policy/sagemaker-autopilot-boundary"}
            assert {"StringEquals": boundary} == statement["Condition"]
    every = {action for statement in statements for action in listed(statement["Action"])}
    never = {
        "iam:AttachRolePolicy",
        "iam:DeleteRolePermissionsBoundary",
        "iam:SetDefaultPolicyVersion",
        "iam:CreateUser",
    }
    assert set() == every & never


def test_the_launch_role_makes_policies_of_one_name_only() -> None:
    """The approvers', which people attach: neither the boundary nor another policy of the account."""
    reach = {r for action, r in allowed(documents_of("LaunchRole")) if action.startswith("iam:") and "Polic" in action}
    own = {r for r in reach if ":policy/" in r}
    assert {"arn:aws:iam::111122223333:policy/sagemaker-*-p-*-approver"} == own
    policies_made = {
        resource["Properties"]["ManagedPolicyName"]
        for resource in Stack(load(PRODUCT), {"SageMakerProjectName": "a", "SageMakerProjectId": "p-1"})
        .resources()
        .values()
        if resource["Type"] == "AWS::IAM::ManagedPolicy"
    }
    assert {"sagemaker-a-p-1-approver"} == policies_made
    others = [
        resource["Properties"]
        for resource in WHOLE.resources().values()
        if resource["Type"] == "AWS::IAM::ManagedPolicy"
    ]
    arns = [f"arn:aws:iam::111122223333:policy/{other['ManagedPolicyName']}" for other in others]
    assert [] == [arn for arn in arns for pattern in own if fnmatch.fnmatchcase(arn, pattern)]


@pytest.mark.parametrize("name", ["launch", "seed", "router"])
def test_the_launch_role_cannot_touch_the_catalogues_own_roles(name: str) -> None:
    role = f"arn:aws:iam::111122223333:role/sagemaker-autopilot-{name}"
    reach = [r for action, r in allowed(documents_of("LaunchRole")) if action.startswith("iam:")]
    assert [] == [resource for resource in reach if fnmatch.fnmatchcase(role, resource)]


# What CloudFormation's handlers may call, and product.yaml gives no cause for.
NEEDLESS = {
    "s3": r"(?!Get)\w*(Abac|Accelerate|Acl|Analytics|IntelligentTiering|Inventory|Lock|Logging|Metadata"
    r"|Metrics|Notification|Replication|Website)\w*|Delete(Bucket(Cors|Encryption|Lifecycle)|Object)|(Tag|Untag)Resource"
    r"|ListTagsForResource|GetBucketAbac|GetObjectVersion|REST\.PUT\.OBJECT",
    "s3tables": r"\w+",
    "firehose": r"\w+",
    "logs": r"(?!Describe|Get)\w*(Delivery|Policy|KmsKey|DeletionProtection|BearerTokenAuthentication)",
    "codecommit": r"CreateCommit|PutRepositoryTriggers|UpdateRepository(Name|EncryptionKey)",  # the hook commits
    "sns": r"PutDataProtectionPolicy",
    "sagemaker": r"PutModelPackageGroupPolicy",
    "codepipeline": r"StartPipelineExecution",  # with RestartExecutionOnUpdate
    "iam": r"(Attach|Detach)(Group|Role|User)Policy|DeleteRolePermissionsBoundary",  # the boundary stays
}
# The schemas of these name no permissions.
# https://docs.aws.amazon.com/codebuild/latest/userguide/auth-and-access-control-permissions-reference.html
WITHOUT_HANDLERS = {
    "AWS::CodeBuild::Project": {f"codebuild:{verb}Project" for verb in ("Create", "Update", "Delete")}
    | {"codebuild:BatchGetProjects"},
    "Custom::Seed": {"lambda:InvokeFunction"},
}


def handlers(kind: str) -> set[str]:
    """Return what CloudFormation calls to make, read, change and remove a resource, by the schema in cfn-lint."""
    if kind in WITHOUT_HANDLERS:
        return WITHOUT_HANDLERS[kind]
    folder = Path(cfnlint.__file__).parent / "data" / "schemas"
    index = json.loads((folder / "providers" / "us-east-1.json").read_text(encoding="utf-8"))
    schema: Mapping[str, Any] = json.loads((folder / "resources" / f"{index[kind]}.json").read_text(encoding="utf-8"))
    return {
        permission
        for name, handler in schema["handlers"].items()
        if name != "list"
        for permission in handler["permissions"]
    }


def product_types() -> list[str]:
    """Return the types of resources that the product makes."""
    return sorted({resource["Type"] for resource in load(PRODUCT)["Resources"].values()})


@pytest.mark.parametrize("kind", product_types())
def test_the_launch_role_allows_what_cloudformation_calls_for_the_product(kind: str) -> None:
    ours = {action.lower() for action, _ in allowed(documents_of("LaunchRole"))}
    lacking = [handler.split(":") for handler in sorted(handlers(kind)) if handler.lower() not in ours]
    assert [] == [entry for entry in lacking if not re.fullmatch(NEEDLESS.get(entry[0], "-"), entry[1])]


def test_the_launch_role_allows_no_action_that_the_product_does_not_need() -> None:
    needed = {handler.lower() for kind in product_types() for handler in handlers(kind)}
    result = {action for action, _ in allowed(documents_of("LaunchRole"))}
    beyond = {action for action in result if action.lower() not in needed}
    # The stack itself, and the newer name of a connection
    assert {"codeconnections:PassConnection"} == {entry for entry in beyond if not entry.startswith("cloudformation:")}


def test_between_them_launch_role_and_boundary_pass_roles_to_the_services_that_projects_use() -> None:
    trusted = {
        service
        for document in documents(Stack(load(PRODUCT), assume=True))
        for statement in document.statements
        if document.kind == "trust"
        for service in listed(statement["Principal"]["Service"])
    }
    passed = [
        service
        for document in documents_of("LaunchRole") + documents_of("Boundary")
        for statement in document.statements
        if statement["Action"] == "iam:PassRole"
        for service in statement["Condition"]["StringEquals"]["iam:PassedToService"]
    ]
    assert sorted(trusted) == sorted(passed)


# ---- The boundary


def covers(resource: str, pattern: str) -> bool:
    """Return whether what one ARN pattern matches is matched by another: a star is matched by a star only."""
    return fnmatch.fnmatchcase(resource.replace("*", "\u2217"), pattern)


def product_documents() -> list[Document]:
    """Return the policies of the product's roles, on every host, with topic, schedule, key and network and without."""
    connection = "arn:aws:codeconnections:eu-west-1:111122223333:connection/01234567-89ab-cdef-0123-456789abcdef"
    product_documents = {
        "SageMakerProjectName": "adult-income",
        "SageMakerProjectId": "p-abc123def456",
        "ConnectionArn": connection,
        "KmsKeyArn": "arn:aws:kms:eu-west-1:111122223333:key/01234567-89ab-cdef-0123-456789abcdef",
    }
    stacks = [Stack(load(PRODUCT), product_documents, assume) for assume in (True, False)]
    return [document for stack in stacks for document in documents(stack) if document.kind == "identity"]


def test_the_boundary_lets_the_products_roles_do_their_jobs() -> None:
    """A role can do what both its own policy and the boundary allow."""
    bounds = list(allowed(documents_of("Boundary")))
    short = {
        (document.where, action, resource)
        for document in product_documents()
        for action, resource in allowed([document])
        if not any(fnmatch.fnmatchcase(action, a) and covers(resource, r) for a, r in bounds)
    }
    assert [] == sorted(short)


def test_the_boundary_allows_no_action_that_no_role_of_the_product_has() -> None:
    used = {action for action, _ in allowed(product_documents())}
    assert [] == sorted({action for action, _ in allowed(documents_of("Boundary"))} - used)


def test_the_boundary_leaves_the_network_unscoped() -> None:
    """SageMaker checks a job's role without a resource, and a boundary counts as the role's own policy does.

    "Don't scope in the policy with any conditions or resource filters":
    https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
    """
    network = [statement for statement in documents_of("Boundary")[0].statements if "ec2:" in str(statement["Action"])]
    assert [("*", None, 9)] == [(entry["Resource"], entry.get("Condition"), len(entry["Action"])) for entry in network]


def test_the_boundary_holds_keys_to_the_services_that_the_roles_use_them_through() -> None:
    """It cannot know the key. What a role's own condition lets through must pass the boundary's as well."""
    held = {
        action: statement.get("Condition", {})
        for statement in documents_of("Boundary")[0].statements
        for action in listed(statement["Action"])
        if action.startswith("kms:")
    }
    hosts = ["s3.eu-west-1.amazonaws.com", "sagemaker.eu-west-1.amazonaws.com"]
    data = {"StringEquals": {"kms:ViaService": hosts}}
    assert {
        "kms:Decrypt": data,
        "kms:GenerateDataKey": data,
        "kms:GenerateDataKeyWithoutPlaintext": data,
        "kms:DescribeKey": {},
        "kms:Encrypt": {},
        "kms:CreateGrant": {"Bool": {"kms:GrantIsForAWSResource": "true"}},
    } == held
    for document in product_documents():
        for statement in document.statements:
            via = statement.get("Condition", {}).get("StringEquals", {}).get("kms:ViaService")
            if via:
                assert set(listed(via)) <= set(hosts)
            elif "kms:" in str(statement["Action"]):
                assert {json.dumps(statement.get("Condition", {}))} == {
                    json.dumps(held[action]) for action in listed(statement["Action"])
                }


def test_the_boundary_knows_nothing_of_iam_but_passing_roles() -> None:
    result = {action for action, _ in allowed(documents_of("Boundary")) if action.startswith(("iam:", "sts:"))}
    assert {"iam:PassRole"} == result


# ---- The functions


def seed_table() -> set[tuple[str, str]]:
    """Return the hook's rows of the table in SEED.md, as actions with resources."""
    bucket = "sagemaker-autopilot-artifacts-111122223333-eu-west-1"
    words = {"PARTITION": "aws", "REGION": "eu-west-1", "ACCOUNT": "111122223333", "ARTIFACT_BUCKET": bucket}
    rows = re.findall(r"^\| hook \| (.*) \| (.*) \|$", (ROOT / "catalog" / "SEED.md").read_text("utf-8"), re.MULTILINE)
    seed_table = set()
    for actions, resource in rows:
        service, _, names = actions.strip("`").partition(":")
        arn = re.sub("|".join(sorted(words, key=len, reverse=True)), lambda match: words[match[0]], resource.strip("`"))
        seed_table |= {(f"{service}:{name}", arn) for name in names.split(", ")}
    return seed_table


def test_the_hooks_role_is_the_table_in_seed_md() -> None:
    group = "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/sagemaker-autopilot-seed:*"
    expected = {(action, group if arn == "its log group" else arn) for action, arn in seed_table()}
    assert expected == set(allowed(documents_of("SeedRole")))


def test_the_hook_commits_to_the_templates_branch_only() -> None:
    conditions = [
        s.get("Condition") for s in documents_of("SeedRole")[1].statements if "codecommit:CreateCommit" in s["Action"]
    ]
    assert [{"StringEqualsIfExists": {"codecommit:References": "refs/heads/template"}}] == conditions


def test_the_routers_role_allows_its_calls() -> None:
    """Those of catalog/router/handler.py, the dead letters that Lambda sends in its name, and its log."""
    source = (ROOT / "catalog" / "router" / "handler.py").read_text(encoding="utf-8")
    names = {
        "get_pipeline": "codepipeline:GetPipeline",
        "get_differences": "codecommit:GetDifferences",
        "describe_model_package": "sagemaker:DescribeModelPackage",
        "list_model_packages": "sagemaker:ListModelPackages",
        "start_pipeline_execution": "codepipeline:StartPipelineExecution",
    }
    called = set(re.findall(r'get_paginator\("(\w+)"\)', source))
    called |= set(re.findall(r"\b(?:codepipeline|codecommit|sagemaker)\.(\w+)\(", source))
    own = {"sqs:SendMessage", "logs:CreateLogStream", "logs:PutLogEvents"}
    assert set(names) == called
    assert set(names.values()) | own == {action for action, _ in allowed(documents_of("RouterRole"))}


FUNCTIONS = [
    ("SeedFunction", "sagemaker-autopilot-seed", "catalog.hook.handler.handler", {"MemorySize": 512, "Timeout": 600}),
    (
        "RouterFunction",
        "sagemaker-autopilot-router",
        "catalog.router.handler.handler",
        {"MemorySize": 256, "Timeout": 60},
    ),
]


@pytest.mark.parametrize(("name", "function", "handler", "size"), FUNCTIONS)
def test_functions_are_what_the_zips_hold(name: str, function: str, handler: str, size: dict[str, int]) -> None:
    properties = WHOLE.resources()[name]["Properties"]
    assert (function, handler, "python3.13") == (
        properties["FunctionName"],
        properties["Handler"],
        properties["Runtime"],
    )
    assert size == {key: properties[key] for key in size}
    module, attribute = handler.rsplit(".", 1)
    assert f"\ndef {attribute}(" in (ROOT / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
    assert f"/aws/lambda/{function}" == properties["LoggingConfig"]["LogGroup"]


def test_the_hook_knows_its_bucket_and_answers_cloudformation_only() -> None:
    variables = WHOLE.resources()["SeedFunction"]["Properties"]["Environment"]["Variables"]
    assert {"TEMPLATE_BUCKET": WHOLE.outputs()["ArtifactBucket"]} == variables


def test_the_product_calls_the_functions_by_their_names() -> None:
    text = PRODUCT.read_text(encoding="utf-8")
    assert {function for _, function, _, _ in FUNCTIONS} == set(re.findall(r":function:([\w-]+)", text))


def test_rules_of_projects_may_call_the_router() -> None:
    permission = WHOLE.resources()["RouterPermission"]["Properties"]
    assert ("events.amazonaws.com", "111122223333") == (permission["Principal"], permission["SourceAccount"])
    values = {"SageMakerProjectName": "adult-income", "SageMakerProjectId": "p-abc123def456"}
    product = Stack(load(PRODUCT), values, assume=True).resources()
    router = WHOLE.outputs()["RouterFunctionArn"]
    callers = [
        f"arn:aws:events:eu-west-1:111122223333:rule/{entry['Properties']['Name']}"
        for entry in product.values()
        if entry["Type"] == "AWS::Events::Rule" and router in str(entry["Properties"]["Targets"])
    ]
    assert 2 == len(callers)
    assert [] == [arn for arn in callers if not fnmatch.fnmatchcase(arn, permission["SourceArn"])]


def test_what_the_router_cannot_work_off_is_kept() -> None:
    queue = WHOLE.resources()["RouterFailures"]["Properties"]
    assert 14 * 24 * 3600 == queue["MessageRetentionPeriod"]
    target = WHOLE.resources()["RouterFunction"]["Properties"]["DeadLetterConfig"]["TargetArn"]
    assert ("sqs:SendMessage", target) in set(allowed(documents_of("RouterRole")))
