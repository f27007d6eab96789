"""Steps 7 and 10: deploy actions: create, update or delete a stack with templates from artifacts.

https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CloudFormation.html
"""

import json
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from sagemaker_rehearsal.codebuild import artifacts
from sagemaker_rehearsal.codepipeline.actions.work import Ended, Failed, Work

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/continuous-delivery-codepipeline-action-reference.html
REPLACED = ("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED", "UPDATE_ROLLBACK_FAILED")
GOOD = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")
LIMIT_BYTES = 51_200  # of TemplateBody


def deploy(work: Work) -> None:
    """Perform the action's ActionMode; the stack's outputs become the action's variables.

    Raises:
        Failed: when the stack does not reach a successful status.
    """
    stack = Stack(work)
    mode = work.configuration["ActionMode"]
    if mode in ("CREATE_UPDATE", "REPLACE_ON_FAILURE"):
        stack.create_or_update(replace=mode == "REPLACE_ON_FAILURE")
    elif mode == "DELETE_ONLY":
        stack.delete()
    elif mode == "CHANGE_SET_REPLACE":
        stack.replace_change_set()
    else:
        stack.execute_change_set()


class Stack:
    """The stack that one action deploys to."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._client = work.client("cloudformation")
        self._settings = work.configuration
        self._name = self._settings["StackName"]
        region = work.cloud.region
        work.run.entity_url = f"https://{region}.console.aws.amazon.com/cloudformation/home?region={region}#/"

    def create_or_update(self, replace: bool) -> None:
        """Create or update the stack; an update without changes is a success."""
        request, stack = self._request(), self._find()
        if stack and replace and stack["StackStatus"] in REPLACED:
            self.delete()
            stack = None
        if stack is None:
            self._client.create_stack(**request)
        else:
            try:
                self._client.update_stack(**request)
            except ClientError as error:
                if "No updates are to be performed" not in str(error):
                    raise
        self._finish()

    def delete(self) -> None:
        """Delete the stack; one that does not exist is a success."""
        stack = self._find()
        if stack is None:
            return
        role = {"RoleARN": self._settings["RoleArn"]} if self._settings.get("RoleArn") else {}
        self._client.delete_stack(StackName=self._name, **role)
        for _ in self._work.polls():
            stack = self._find(stack["StackId"])
            if stack is None or stack["StackStatus"] == "DELETE_COMPLETE":
                return
            if stack["StackStatus"] == "DELETE_FAILED":
                raise Failed(f"Stack {self._name}: DELETE_FAILED. {stack.get('StackStatusReason', '')}")
        raise Ended

    def replace_change_set(self) -> None:
        """Create a change set; an existing one of the same name is replaced.

        A stack in REVIEW_IN_PROGRESS holds only change sets, so its change set is still of type CREATE.
        """
        named = {"StackName": self._name, "ChangeSetName": self._settings["ChangeSetName"]}
        stack = self._find()
        exists = stack is not None and stack["StackStatus"] != "REVIEW_IN_PROGRESS"
        if stack is not None:
            self._client.delete_change_set(**named)
        kind = "UPDATE" if exists else "CREATE"
        self._client.create_change_set(**self._request(), ChangeSetName=named["ChangeSetName"], ChangeSetType=kind)
        for _ in self._work.polls():
            change_set = self._client.describe_change_set(**named)
            if change_set["Status"] in ("CREATE_COMPLETE", "FAILED"):
                break
        if change_set["Status"] == "FAILED" and "didn't contain changes" not in change_set.get("StatusReason", ""):
            raise Failed(f"Change set {named['ChangeSetName']}: {change_set.get('StatusReason', 'failed')}")
        self._work.run.external_id = change_set["ChangeSetId"]

    def execute_change_set(self) -> None:
        """Execute a change set; one without changes is a success."""
        named = {"StackName": self._name, "ChangeSetName": self._settings["ChangeSetName"]}
        change_set = self._client.describe_change_set(**named)
        if change_set["Status"] != "FAILED":
            self._client.execute_change_set(**named)
        self._finish()

    def _find(self, name: str = "") -> dict[str, Any] | None:
        try:
            return dict(self._client.describe_stacks(StackName=name or self._name)["Stacks"][0])
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise

    def _finish(self) -> None:
        """Wait for a final stack status."""
        for _ in self._work.polls():
            stack = self._find()
            if stack is None:
                raise Failed(f"Stack {self._name} does not exist any more")
            self._link(stack)
            status = stack["StackStatus"]
            if status in GOOD:
                self._work.run.summary = f"Stack {self._name}: {status}"
                self._publish_outputs(stack)
                return
            if not status.endswith("_IN_PROGRESS"):
                raise Failed(f"Stack {self._name}: {status}. {stack.get('StackStatusReason', '')}".strip())
        raise Ended

    def _link(self, stack: dict[str, Any]) -> None:
        run = self._work.run
        run.external_id = stack["StackId"]
        run.external_url = f"{run.entity_url}stack/detail?stackId={stack['StackId']}"

    def _publish_outputs(self, stack: dict[str, Any]) -> None:
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
        work = self._work
        work.run.variables = outputs
        if work.run.action.outputs:
            name = work.run.action.outputs[0]
            folder = work.folder / "output" / name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / self._settings.get("OutputFileName", "output.json")).write_text(
                json.dumps(outputs), encoding="utf-8"
            )
            work.run.outputs = {name: artifacts.store(work.client("s3"), folder, work.location(name))}

    def _request(self) -> dict[str, Any]:
        template = self._file("TemplatePath")
        if len(template.encode()) > LIMIT_BYTES:
            raise Failed(f"The rehearsal deploys templates of at most {LIMIT_BYTES} bytes", "ConfigurationError")
        configuration = self._configuration()
        request: dict[str, Any] = {"StackName": self._name, "TemplateBody": template}
        parameters = {**configuration.get("Parameters", {}), **self._overrides()}
        request["Parameters"] = [
            {"ParameterKey": key, "ParameterValue": str(value)} for key, value in parameters.items()
        ]
        request["Tags"] = [{"Key": key, "Value": str(value)} for key, value in configuration.get("Tags", {}).items()]
        if "StackPolicy" in configuration:
            request["StackPolicyBody"] = json.dumps(configuration["StackPolicy"])
        if self._settings.get("Capabilities"):
            request["Capabilities"] = [capability.strip() for capability in self._settings["Capabilities"].split(",")]
        return {**request, **({"RoleARN": self._settings["RoleArn"]} if self._settings.get("RoleArn") else {})}

    def _configuration(self) -> dict[str, Any]:
        """Read the template configuration file: Parameters, Tags and StackPolicy.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/continuous-delivery-codepipeline-cfn-artifacts.html
        """
        if "TemplateConfiguration" not in self._settings:
            return {}
        read = self._json(self._file("TemplateConfiguration"), "TemplateConfiguration")
        unknown = sorted(set(read) - {"Parameters", "Tags", "StackPolicy"})
        if unknown:
            raise Failed(f"TemplateConfiguration holds {unknown[0]}, which is no part of it", "ConfigurationError")
        return read

    def _overrides(self) -> dict[str, str]:
        """Read ParameterOverrides; Fn::GetParam and Fn::GetArtifactAtt refer to artifacts.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/continuous-delivery-codepipeline-parameter-override-functions.html
        """
        read = self._json(self._settings.get("ParameterOverrides", "{}"), "ParameterOverrides")
        return {key: self._override(value) for key, value in read.items()}

    def _override(self, value: object) -> str:
        if isinstance(value, dict) and "Fn::GetParam" in value:
            artifact, path, key = value["Fn::GetParam"]
            return str(self._json(self._read(artifact, path), path)[key])
        if isinstance(value, dict) and "Fn::GetArtifactAtt" in value:
            artifact, attribute = value["Fn::GetArtifactAtt"]
            location = self._work.run.inputs[artifact]
            return {"BucketName": location.bucket, "ObjectKey": location.key}[attribute]
        return str(value)

    @staticmethod
    def _json(text: str, what: str) -> dict[str, Any]:
        try:
            return dict(json.loads(text))
        except (ValueError, TypeError) as error:
            raise Failed(f"{what} is no JSON object: {error}", "ConfigurationError") from error

    def _file(self, key: str) -> str:
        artifact, _, path = self._settings[key].partition("::")
        return self._read(artifact, path)

    def _read(self, artifact: str, path: str) -> str:
        folder: Path = self._work.folder / artifact
        if artifact not in self._work.run.inputs:
            raise Failed(f"The action has no input artifact {artifact}", "ConfigurationError")
        if not folder.exists():
            artifacts.fetch(self._work.client("s3"), self._work.run.inputs[artifact], folder)
        file = (folder / path).resolve()
        if not file.is_file() or not file.is_relative_to(folder.resolve()):
            raise Failed(f"File [{path}] does not exist in artifact [{artifact}]", "ConfigurationError")
        return file.read_text(encoding="utf-8")
