"""Every list that the rehearsal answers itself comes in pages: boto3's paginators get each row once, in order."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagemaker_rehearsal.account import SERVICES
from sagemaker_rehearsal.pipelines.records import Execution, StepRun
from sagemaker_rehearsal.sagemaker import jobs, pipelines
from sagemaker_rehearsal.server import Cloud, clients
from sagemaker_rehearsal.servicecatalog import state

pytestmark = pytest.mark.rehearsal
ROLE = "arn:aws:iam::123456789012:role/lists"
FAIL = {"Name": "f", "Type": "Fail", "Arguments": {"ErrorMessage": "x"}}
ROWS, BEGUN = 5, datetime(2026, 1, 1, tzinfo=UTC)
ARN = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/lists"
EXECUTION = f"{ARN}/execution/000000000000"


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """An account with five rows of each list."""
    with Cloud(tmp_path_factory.mktemp("lists"), services=SERVICES) as cloud:
        _catalogue(cloud)
        _sagemaker(cloud)
        yield cloud


def _catalogue(cloud: Cloud) -> None:
    catalogue = state.of(cloud)
    for number in range(ROWS):
        portfolio = state.Portfolio(f"portfolio-{number}", "lists", "", [])
        product = state.Product(f"product-{4 - number}", "lists", {}, [])
        artifact = state.Artifact("v1", "", "", "", "{}")
        product.artifacts[artifact.id] = artifact
        catalogue.products[product.id], catalogue.portfolios[portfolio.id] = product, portfolio
    for number in range(ROWS):
        provisioned = state.Provisioned(f"provisioned-{number}", "prod-x", "pa-x", "lp-x", "", {}, [], "u", "t")
        record = state.Record("PROVISION_PRODUCT", "prod-x", "pa-x", "lp-x", "", [])
        provisioned.records.append(record)
        catalogue.provisioned[provisioned.id], catalogue.records[record.id] = provisioned, (record, provisioned)
    first, product = next(iter(catalogue.portfolios.values())), next(iter(catalogue.products.values()))
    for portfolio in catalogue.portfolios.values():
        portfolio.products.append(product.id)
        constraint = state.Constraint(first.id, product.id, "LAUNCH", f'{{"RoleArn": "{ROLE}"}}', "")
        catalogue.constraints[constraint.id] = constraint
        first.principals[f"{ROLE}-{len(first.principals)}"] = "IAM"
    first.products.extend(each for each in catalogue.products if each != product.id)


def _sagemaker(cloud: Cloud) -> None:
    sagemaker, names = cloud.client("sagemaker"), [f"lists-{number}" for number in range(ROWS)]
    sagemaker.create_pipeline(
        PipelineName="lists", ClientRequestToken="l" * 32, RoleArn=ROLE,
        PipelineDefinition=json.dumps({"Version": "2020-12-01", "Steps": [FAIL]}),
    )  # fmt: skip
    sagemaker.create_model_package_group(ModelPackageGroupName="lists")
    for number, name in enumerate(names):
        sagemaker.create_code_repository(CodeRepositoryName=name, GitConfig={"RepositoryUrl": "https://x.org/r"})
        sagemaker.create_model_package(
            ModelPackageGroupName="lists",
            InferenceSpecification={
                "Containers": [{"Image": "i"}], "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
        )  # fmt: skip
        for kind, prefix in (("processing", "Processing"), ("transform", "Transform"), ("automl", "AutoML")):
            described = {
                f"{prefix}JobName": name, f"{prefix}JobArn": f"arn:aws:sagemaker:us-east-1:123456789012:job/{name}",
                f"{prefix}JobStatus": "Completed" if number else "Failed", "AutoMLJobSecondaryStatus": "Completed",
                "CreationTime": BEGUN + timedelta(hours=number),
            }  # fmt: skip
            jobs.of(cloud).record(kind, name, described)
        metric = {"MetricName": "F1", "Value": 0.1 * (number % 3)}
        candidate = {
            "CandidateName": name, "CandidateStatus": "Completed", "CandidateSteps": [], "CreationTime": BEGUN,
            "ObjectiveStatus": "Succeeded", "LastModifiedTime": BEGUN, "FinalAutoMLJobObjectiveMetric": metric,
        }  # fmt: skip
        jobs.of(cloud).candidates.setdefault("lists-0", []).append(candidate)
        arn = f"{ARN}/execution/00000000000{number}"
        began = BEGUN + timedelta(hours=number)
        steps = [StepRun(each, "Fail", started=BEGUN) for each in names]
        execution = Execution(arn, ARN, "lists", steps=steps, parameters=dict.fromkeys(names, "x"), started=began)
        pipelines.of(cloud)._by_arn[arn] = execution


# Lists that have five rows, with their parameters
Params = Callable[[Cloud], dict[str, Any]]
LISTS: dict[tuple[str, str], Params] = {
    ("sagemaker", "ListAutoMLJobs"): lambda cloud: {},
    ("sagemaker", "ListProcessingJobs"): lambda cloud: {},
    ("sagemaker", "ListTransformJobs"): lambda cloud: {},
    ("sagemaker", "ListCodeRepositories"): lambda cloud: {},
    ("sagemaker", "ListModelPackages"): lambda cloud: {"ModelPackageGroupName": "lists"},
    ("sagemaker", "ListPipelineExecutions"): lambda cloud: {"PipelineName": "lists"},
    ("sagemaker", "ListPipelineParametersForExecution"): lambda cloud: {"PipelineExecutionArn": EXECUTION},
    ("sagemaker", "ListPipelineExecutionSteps"): lambda cloud: {"PipelineExecutionArn": EXECUTION},
    ("sagemaker", "ListCandidatesForAutoMLJob"): lambda cloud: {
        "AutoMLJobName": "lists-0", "SortBy": "FinalObjectiveMetricValue", "SortOrder": "Descending",
    },
    ("servicecatalog", "ListRecordHistory"): lambda cloud: {},
    ("servicecatalog", "ScanProvisionedProducts"): lambda cloud: {},
    ("servicecatalog", "ListConstraintsForPortfolio"): lambda cloud: {"PortfolioId": _first(cloud)[0]},
    ("servicecatalog", "ListPortfolios"): lambda cloud: {},
    ("servicecatalog", "ListPortfoliosForProduct"): lambda cloud: {"ProductId": _first(cloud)[1]},
    ("servicecatalog", "ListPrincipalsForPortfolio"): lambda cloud: {"PortfolioId": _first(cloud)[0]},
    ("servicecatalog", "ListLaunchPaths"): lambda cloud: {"ProductId": _first(cloud)[1]},
    ("servicecatalog", "SearchProductsAsAdmin"): lambda cloud: {},
}  # fmt: skip


# Paged by code that other tests go over, or by moto
ELSEWHERE = {
    ("application-autoscaling", "DescribeScalableTargets"),
    ("application-autoscaling", "DescribeScalingPolicies"),
    ("cloudformation", "DescribeChangeSet"),  # all changes at once
    ("cloudformation", "DescribeStackEvents"),
    ("cloudformation", "ListChangeSets"),
    ("codebuild", "ListBuilds"),
    ("codebuild", "ListBuildsForProject"),
    ("codebuild", "ListProjects"),
    ("codecommit", "GetDifferences"),
    ("codecommit", "ListBranches"),
    ("codecommit", "ListPullRequests"),
    ("codecommit", "ListRepositories"),
    ("codecommit", "ListTagsForResource"),
    ("codepipeline", "ListActionExecutions"),
    ("codepipeline", "ListPipelineExecutions"),
    ("codepipeline", "ListPipelines"),
    ("codepipeline", "ListTagsForResource"),
    ("sagemaker", "ListEndpoints"),
    ("sagemaker", "ListProjects"),
    ("sagemaker", "ListTags"),
    ("sagemaker", "ListTrainingJobs"),  # always empty
    ("servicecatalog", "DescribeRecord"),
    ("servicecatalog", "GetProvisionedProductOutputs"),
    ("servicecatalog", "SearchProducts"),
    ("servicecatalog", "SearchProvisionedProducts"),
    ("sns", "ListSubscriptionsByTopic"),
}


def _first(cloud: Cloud) -> tuple[str, str]:
    catalogue = state.of(cloud)
    return next(iter(catalogue.portfolios)), next(iter(catalogue.products))


def _method(name: str, cloud: Cloud, service: str) -> tuple[Any, str]:
    client = cloud.client(service)
    return client, next(key for key, value in client.meta.method_to_api_mapping.items() if value == name)


@pytest.mark.parametrize(("service", "name"), LISTS)
def test_a_paginator_returns_each_row_once_in_the_order_of_the_whole_list(
    account: Cloud, service: str, name: str
) -> None:
    client, method = _method(name, account, service)
    paginator, params = client.get_paginator(method), LISTS[service, name](account)
    key = paginator.result_keys[0].expression
    whole = getattr(client, method)(**params)[key]
    pages = [page[key] for page in paginator.paginate(**params, PaginationConfig={"PageSize": 2})]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [row for page in pages for row in page] == whole


@pytest.mark.parametrize(("service", "name"), LISTS)
def test_a_token_that_was_never_returned_is_an_error(account: Cloud, service: str, name: str) -> None:
    client, method = _method(name, account, service)
    token = "PageToken" if service == "servicecatalog" else "NextToken"
    with pytest.raises(ClientError, match=r"invalid: 99"):
        getattr(client, method)(**LISTS[service, name](account), **{token: "99"})


def test_every_registered_list_is_tested_here_or_where_its_service_is(account: Cloud) -> None:
    registered = set()
    for service, name in account.operations:
        shape = clients.session.get_service_model(service).operation_model(name).input_shape
        members = set(shape.members) if shape else set()
        if members & {"NextToken", "PageToken", "nextToken"}:
            registered.add((service, name))
    assert registered - set(LISTS) - ELSEWHERE == set()


@pytest.mark.parametrize("prefix", ["Processing", "Transform", "AutoML"])
def test_jobs_are_filtered_and_sorted_as_the_request_says(account: Cloud, prefix: str) -> None:
    client, method = _method(f"List{prefix}Jobs", account, "sagemaker")

    def names(**params: Any) -> list[str]:  # noqa: ANN401
        return [row[f"{prefix}JobName"][-1] for row in getattr(client, method)(**params)[f"{prefix}JobSummaries"]]

    assert names() == list("43210")
    assert names(SortOrder="Ascending") == list("01234")
    assert names(SortBy="Name", SortOrder="Ascending", MaxResults=2) == list("01")
    assert names(StatusEquals="Failed") == ["0"]
    assert names(NameContains="s-3") == ["3"]
    assert names(CreationTimeAfter=BEGUN + timedelta(hours=2)) == list("43")
    assert names(CreationTimeBefore=BEGUN + timedelta(hours=1)) == ["0"]


def test_executions_are_filtered_and_sorted_as_the_request_says(account: Cloud) -> None:
    sagemaker = account.client("sagemaker")

    def last(**params: Any) -> list[str]:  # noqa: ANN401
        rows = sagemaker.list_pipeline_executions(PipelineName="lists", **params)["PipelineExecutionSummaries"]
        return [row["PipelineExecutionArn"][-1] for row in rows]

    assert last() == list("43210")
    assert last(SortOrder="Ascending", SortBy="PipelineExecutionArn") == list("01234")
    assert last(CreatedAfter=BEGUN + timedelta(hours=2)) == list("43")


def test_products_are_sorted_as_the_request_says(account: Cloud) -> None:
    catalog = account.client("servicecatalog")
    rows = catalog.search_products(SortBy="Title", SortOrder="ASCENDING", PageSize=2)
    assert [row["Name"] for row in rows["ProductViewSummaries"]] == ["product-0", "product-1"]
    assert rows["NextPageToken"]


def test_outputs_of_a_provisioned_product_come_in_pages(account: Cloud) -> None:
    catalog, (record, provisioned) = account.client("servicecatalog"), next(iter(state.of(account).records.values()))
    record.outputs = [{"OutputKey": f"o{number}", "OutputValue": "v"} for number in range(ROWS)]
    pages = (
        catalog.describe_record(Id=record.id, PageSize=3)["RecordOutputs"],
        catalog.describe_record(Id=record.id, PageSize=3, PageToken="3")["RecordOutputs"],
        catalog.get_provisioned_product_outputs(ProvisionedProductId=provisioned.id, PageSize=5)["Outputs"],
    )
    assert [[row["OutputKey"] for row in page] for page in pages] == [
        ["o0", "o1", "o2"],
        ["o3", "o4"],
        ["o0", "o1", "o2", "o3", "o4"],
    ]


def test_a_filter_that_nobody_reads_is_refused_with_its_name(account: Cloud) -> None:
    with pytest.raises(ClientError, match=r"ListTrainingJobs does not read WarmPoolStatusEquals; see docs/parity.md"):
        account.client("sagemaker").list_training_jobs(WarmPoolStatusEquals="Available")
    with pytest.raises(ClientError, match="Invalid SearchFilter key: colour"):
        account.client("servicecatalog").list_record_history(SearchFilter={"Key": "colour", "Value": "x"})
    with pytest.raises(ClientError, match="Invalid SortBy: colour"):
        account.client("servicecatalog").search_provisioned_products(SortBy="colour")


S3_INPUT = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/k"}}
CLUSTER = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
JOBS: dict[str, dict[str, Any]] = {
    "create_processing_job": {
        "ProcessingJobName": "j", "AppSpecification": {"ImageUri": "i"}, "RoleArn": ROLE,
        "ProcessingResources": {"ClusterConfig": CLUSTER},
    },
    "create_transform_job": {
        "TransformJobName": "j", "ModelName": "m", "TransformInput": {"DataSource": S3_INPUT},
        "TransformOutput": {"S3OutputPath": "s3://b/o"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    },
    "create_training_job": {
        "TrainingJobName": "j", "AlgorithmSpecification": {"TrainingInputMode": "File", "TrainingImage": "i"},
        "RoleArn": ROLE, "OutputDataConfig": {"S3OutputPath": "s3://b/o"}, "ResourceConfig": CLUSTER,
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    },
    "create_auto_ml_job": {
        "AutoMLJobName": "j", "RoleArn": ROLE, "OutputDataConfig": {"S3OutputPath": "s3://b/o"},
        "InputDataConfig": [{"DataSource": S3_INPUT, "TargetAttributeName": "y"}],
    },
    "create_auto_ml_job_v2": {
        "AutoMLJobName": "j", "RoleArn": ROLE, "OutputDataConfig": {"S3OutputPath": "s3://b/o"},
        "AutoMLJobInputDataConfig": [{"ChannelType": "training", "DataSource": S3_INPUT}],
        "AutoMLProblemTypeConfig": {"TabularJobConfig": {"TargetAttributeName": "y"}},
    },
}  # fmt: skip


@pytest.mark.parametrize("method", JOBS)
def test_a_job_that_no_pipeline_starts_is_refused_instead_of_never_run(account: Cloud, method: str) -> None:
    with pytest.raises(ClientError, match=r"does not run jobs of Create\w+: it runs those of a pipeline's steps"):
        getattr(account.client("sagemaker"), method)(**JOBS[method])
