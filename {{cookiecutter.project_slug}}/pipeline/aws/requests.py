"""Step 4: the request of each job, as plain data; references of the pipeline may stand where a value does. No I/O."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.aws.environment import Environment
from pipeline.data.flows import FlowFile
from pipeline.settings.model import Settings

Request = dict[str, Any]
Value = Any  # text, or a reference that becomes text
# https://docs.aws.amazon.com/sagemaker/latest/dg/autopilot-automate-model-development-container-output.html
ANSWERS = {"Regression": "predicted_label"}
CLASSIFICATION_ANSWERS = "predicted_label,probability,probabilities,labels"
# What Autopilot's container needs to find its script and its model. The SDK's AutoMLStep.get_best_auto_ml_model passes
# on the same (sagemaker 2.x, src/sagemaker/workflow/automl_step.py); without the program and its directory the
# container falls back to a handler without a model (sagemaker-inference-toolkit, environment.py and transformer.py).
AUTOPILOT_VARIABLES = (
    "MODEL_NAME",
    "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT",
    "SAGEMAKER_PROGRAM",
    "SAGEMAKER_SUBMIT_DIRECTORY",
)
HOUR = 3600
ROOT = "/opt/ml/processing"


@dataclass(frozen=True)
class Maker:
    """Makes requests for one project: adds role, tags, key and network to each."""

    settings: Settings
    environment: Environment

    @property
    def tags(self) -> list[dict[str, str]]:
        """The tags of everything that the pipeline creates."""
        name, identity = self.environment.project_name, self.environment.project_id
        tags = {"sagemaker:project-name": name, "sagemaker:project-id": identity, **self.settings.tags}
        return [{"Key": key, "Value": value} for key, value in tags.items()]

    def _keyed(self, name: str) -> dict[str, str]:
        key = self.settings.security.kms_key
        return {name: key} if key else {}

    @property
    def _vpc(self) -> dict[str, Any]:
        security = self.settings.security
        if not security.subnets:
            return {}
        groups, subnets = list(security.security_groups), list(security.subnets)
        return {"VpcConfig": {"SecurityGroupIds": groups, "Subnets": subnets}}

    def script(
        self,
        image: str,
        script: str,
        inputs: Mapping[str, tuple[Value, str]],
        outputs: Mapping[str, tuple[Value, str]],
        arguments: Sequence[Value],
        instance: Value,
    ) -> Request:
        """CreateProcessingJob of a Python script; inputs and outputs are by name, each an S3 URI and a folder.

        The script and the folders are below /opt/ml/processing.
        """
        application = {
            "ImageUri": image,
            "ContainerEntrypoint": ["python3", f"{ROOT}/{script}"],
            "ContainerArguments": list(arguments),
        }
        return self._processing(application, inputs, outputs, instance, 1)

    def _processing(
        self,
        application: Request,
        inputs: Mapping[str, tuple[Value, str]],
        outputs: Mapping[str, tuple[Value, str]],
        instance: Value,
        count: int,
    ) -> Request:
        cluster = {"InstanceType": instance, "InstanceCount": count, "VolumeSizeInGB": 30}
        return {
            "ProcessingInputs": [_input(name, uri, folder) for name, (uri, folder) in inputs.items()],
            "ProcessingOutputConfig": {
                "Outputs": [_output(name, uri, folder) for name, (uri, folder) in outputs.items()],
                **self._keyed("KmsKeyId"),
            },
            "ProcessingResources": {"ClusterConfig": {**cluster, **self._keyed("VolumeKmsKeyId")}},
            "StoppingCondition": {"MaxRuntimeInSeconds": 4 * HOUR},
            "AppSpecification": application,
            **({"NetworkConfig": self._vpc} if self._vpc else {}),
            "RoleArn": self.environment.role_arn,
            "Tags": self.tags,
        }

    def flow(self, image: str, flow: FlowFile, flow_uri: Value, data: Value, output: Value, instance: Value) -> Request:
        """CreateProcessingJob of a Data Wrangler flow, with the arguments of its export notebooks."""
        name = f"{flow.destination}.default"
        config = json.dumps({name: {"content_type": "CSV"}})
        application = {"ImageUri": image, "ContainerArguments": [f"--output-config '{config}'"]}
        inputs = {"flow": (flow_uri, "flow"), flow.dataset: (data, flow.dataset)}
        count = self.settings.compute.instance_count
        request = self._processing(application, inputs, {name: (output, "output")}, instance, count)
        allowed = {"Environment": {"FLOW_ALLOW_CUSTOM_CODE": "true"}} if self.settings.flow.allow_custom_code else {}
        return {**request, **allowed}

    def automl(self, training: Value, validation: Value, output: Value) -> Request:
        """CreateAutoMLJob (V1, ENSEMBLING); metric, problem type and runtime must be literals inside a pipeline."""
        settings = self.settings
        limits = {"MaxAutoMLJobRuntimeInSeconds": settings.automl.max_runtime_seconds}
        if settings.automl.max_candidates:
            limits["MaxCandidates"] = settings.automl.max_candidates
        security = {**self._keyed("VolumeKmsKeyId"), **self._vpc}
        return {
            "InputDataConfig": [
                {
                    "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}},
                    "ContentType": "text/csv;header=present",
                    "CompressionType": "None",
                    "ChannelType": channel,
                    "TargetAttributeName": settings.target_column,
                }
                for channel, uri in (("training", training), ("validation", validation))
            ],
            "OutputDataConfig": {"S3OutputPath": output, **self._keyed("KmsKeyId")},
            "ProblemType": settings.problem_type,
            "AutoMLJobObjective": {"MetricName": settings.objective_metric},
            "AutoMLJobConfig": {
                "Mode": "ENSEMBLING",
                "CompletionCriteria": limits,
                **({"SecurityConfig": security} if security else {}),
            },
            "RoleArn": self.environment.role_arn,
            "Tags": self.tags,
        }

    def container(self, candidate: Any) -> Request:  # noqa: ANN401 (the SDK's properties have no type)
        """Return the inference container of a candidate (a reference to `BestCandidate.InferenceContainers[0]`).

        Image, artifact and environment are Autopilot's, but for the answers: its own setting asks for the label alone.
        """
        answers = ANSWERS.get(self.settings.problem_type, CLASSIFICATION_ANSWERS)
        variables = {name: candidate.Environment[name] for name in AUTOPILOT_VARIABLES}
        variables |= {"SAGEMAKER_INFERENCE_SUPPORTED": answers, "SAGEMAKER_INFERENCE_OUTPUT": answers}
        return {"Image": candidate.Image, "ModelDataUrl": candidate.ModelDataUrl, "Environment": variables}

    def model(self, container: Request) -> Request:
        """CreateModel."""
        return {
            "PrimaryContainer": container,
            "ExecutionRoleArn": self.environment.role_arn,
            **self._vpc,
            "Tags": self.tags,
        }

    def transform(self, model_name: Value, features: Value, output: Value, instance: Value) -> Request:
        """CreateTransformJob over rows without a header, one answer a line in the same order."""
        return {
            "ModelName": model_name,
            "BatchStrategy": "MultiRecord",
            "MaxPayloadInMB": 6,
            "TransformInput": {
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": features}},
                "ContentType": "text/csv",
                "SplitType": "Line",
                "CompressionType": "None",
            },
            "TransformOutput": {
                "S3OutputPath": output,
                "Accept": "text/csv",
                "AssembleWith": "Line",
                **self._keyed("KmsKeyId"),
            },
            "TransformResources": {"InstanceType": instance, "InstanceCount": 1, **self._keyed("VolumeKmsKeyId")},
            "Tags": self.tags,
        }

    def register(
        self, group: str, container: Request, approval: Value, reports: tuple[Value, Value], notes: Mapping[str, Value]
    ) -> Request:
        """CreateModelPackage; `reports` are the URIs of the Model Quality and the explainability JSON."""
        quality, explained = reports
        return {
            "ModelPackageGroupName": group,
            "ModelPackageDescription": f"{self.settings.project_name}: {self.settings.target_column}, by Autopilot",
            "ModelApprovalStatus": approval,
            "InferenceSpecification": {
                "Containers": [container],
                "SupportedContentTypes": ["text/csv", "application/json"],
                "SupportedResponseMIMETypes": ["text/csv", "application/json"],
            },
            "ModelMetrics": {
                "ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": quality}},
                "Explainability": {"Report": {"ContentType": "application/json", "S3Uri": explained}},
            },
            "CustomerMetadataProperties": dict(notes),
        }


def _input(name: str, uri: Value, folder: str) -> Request:
    source = {"S3Uri": uri, "LocalPath": f"{ROOT}/{folder}", "S3DataType": "S3Prefix", "S3InputMode": "File"}
    return {"InputName": name, "S3Input": {**source, "S3DataDistributionType": "FullyReplicated"}}


def _output(name: str, uri: Value, folder: str) -> Request:
    return {"OutputName": name, "S3Output": {"S3Uri": uri, "LocalPath": f"{ROOT}/{folder}", "S3UploadMode": "EndOfJob"}}


def of_split(settings: Settings) -> list[str]:
    """Arguments of pipeline/steps/split.py."""
    data = settings.data
    options = {
        "input": f"{ROOT}/input",
        "output": f"{ROOT}/output",
        "target": settings.target_column,
        "split-column": data.split_column or "",
        "test-fraction": data.test_fraction,
        "validation-fraction": data.validation_fraction,
        "problem-type": settings.problem_type,
        "positive-class": settings.positive_class or "",
        "drop-missing-target": str(data.drop_missing_target).lower(),
    }
    return _line(options)


def of_evaluate(settings: Settings, threshold: Any, group: str, region: str) -> list[Any]:  # noqa: ANN401
    """Arguments of pipeline/steps/evaluate.py; the threshold may be a reference to the pipeline's parameter."""
    gate = settings.gate
    options = {
        "predictions": f"{ROOT}/predictions",
        "test": f"{ROOT}/test",
        "report": f"{ROOT}/report",
        "output": f"{ROOT}/output",
        "target": settings.target_column,
        "problem-type": settings.problem_type,
        "positive-class": settings.positive_class or "",
        "gate-metric": gate.metric,
        "gate-minimums": json.dumps(dict(gate.minimums)),
        "champion-tolerance": gate.champion_tolerance,
        "model-package-group": group,
        "region": region,
    }
    return [*_line(options), "--gate-threshold", threshold]


def _line(options: dict[str, Any]) -> list[str]:
    # One argument an option: a value may begin with a dash, and a container's argument may be empty nowhere.
    return [f"--{name}={value}" for name, value in options.items()]
