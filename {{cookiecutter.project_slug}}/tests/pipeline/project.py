"""What the tests of the pipeline share: one valid settings text, one environment, one flow."""

import json
from dataclasses import replace
from typing import Any

from pipeline.aws.environment import Environment
from pipeline.data.flows import FlowFile
from pipeline.definition import Sources
from pipeline.settings.load import parse
from pipeline.settings.model import Settings

ENVIRONMENT = Environment(
    project_name="adult-income",
    project_id="p-abc123",
    role_arn="arn:aws:iam::111122223333:role/sagemaker-adult-income-p-abc123-pipeline",
    bucket="sagemaker-project-p-abc123",
    region="us-east-1",
    commit="0123456789abcdef0123456789abcdef01234567",
)
SOURCES = Sources(
    flow_uri="s3://sagemaker-project-p-abc123/flows/1111111111111111/preprocess.flow",
    code_uri="s3://sagemaker-project-p-abc123/code/2222222222222222",
    flow=FlowFile("data.csv", "clean"),
    input_uri="s3://sagemaker-project-p-abc123/input/3333333333333333/data.csv",
)
BALANCED = replace(
    SOURCES,
    balance_uri="s3://sagemaker-project-p-abc123/flows/4444444444444444/balance.flow",
    balance=FlowFile("train.csv", "even"),
)
LINES = {
    "problem_type": "problem_type: BinaryClassification\n",
    "target_column": "target_column: income\n",
    "gate": "gate:\n  metric: weighted_f1\n  threshold: 0.8\n",
    "endpoint": "endpoint:\n  memory_mb: 4096\n  max_concurrency: 20\n",
}
MINIMAL = "".join(LINES.values())


def text(extra: str = "", **changed: str) -> str:
    """The minimal settings with some top-level entries changed, or removed by an empty text, and more at the end."""
    return "".join({**LINES, **changed}.values()) + extra


def of(extra: str = "", **changed: str) -> Settings:
    """The settings of such a text."""
    return parse(text(extra, **changed))


def flow(*nodes: dict[str, Any], name: str = "data.csv", destinations: tuple[str, ...] = ("clean",)) -> str:
    """A flow file with one source, these nodes and these destinations."""
    source = {"node_id": "in", "type": "SOURCE", "parameters": {"dataset_definition": {"name": name}}}
    ends = [
        {"node_id": destination, "type": "DESTINATION", "operator": "sagemaker.spark.s3_destination_0.1"}
        for destination in destinations
    ]
    return json.dumps({"metadata": {"version": 1}, "nodes": [source, *nodes, *ends]})
