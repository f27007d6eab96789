"""Steps 7 and 10: deploy actions: make, change or delete a stack with templates out of artifacts.

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
    """Do what ActionMode says; the stack's outputs become the action's variables.

    Raises:
        Failed: when the stack did not come to be as it should.
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
    """The stack of one action."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._client = work.client("cloudformation")
        self._given = work.configuration
        self._name = self._given["StackName"]
        region = work.cloud.region
        work.run.entity_url = f"https://{region}.console.aws.amazon.com/cloudformation/home?region={region}#/"

    def create_or_update(self, replace: bool) -> None:
        """Make the stack, or change it; a change that changes nothing is a success."""
        request, found = self._request(), self._find()
        if found and replace and found["StackStatus"] in REPLACED:
            self.delete()
            found = None
        if found is None:
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
        found = self._find()
        if found is None:
            return
        role = {"RoleARN": self._given["RoleArn"]} if self._given.get("RoleArn") else {}
        self._client.delete_stack(StackName=self._name, **role)
        for _ in self._work.polls():
            found = self._find(found["StackId"])
            if found is None or found["StackStatus"] == "DELETE_COMPLETE":
                return
            if found["StackStatus"] == "DELETE_FAILED":
                raise Failed(f"Stack {self._name}: DELETE_FAILED. {found.get('StackStatusReason', '')}")
        raise Ended

    def replace_change_set(self) -> None:
        """Make a change set, in the place of one of the same name."""
        named = {"StackName": self._name, "ChangeSetName": self._given["ChangeSetName"]}
        found = self._find()
        exists = found is not None and found["StackStatus"] != "REVIEW_IN_PROGRESS"
        if found is not None:
            self._client.delete_change_set(**named)
        kind = "UPDATE" if exists else "CREATE"
        self._client.create_change_set(**self._request(), ChangeSetName=named["ChangeSetName"], ChangeSetType=kind)
        for _ in self._work.polls():
            made = self._client.describe_change_set(**named)
            if made["Status"] in ("CREATE_COMPLETE", "FAILED"):
                break
        if made["Status"] == "FAILED" and "didn't contain changes" not in made.get("StatusReason", ""):
            raise Failed(f"Change set {named['ChangeSetName']}: {made.get('StatusReason', 'failed')}")
        self._work.run.external_id = made["ChangeSetId"]

    def execute_change_set(self) -> None:
        """Execute a change set; one without changes is a success."""
        named = {"StackName": self._name, "ChangeSetName": self._given["ChangeSetName"]}
        found = self._client.describe_change_set(**named)
        if found["Status"] != "FAILED":
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
        """Wait until the stack has settled."""
        for _ in self._work.polls():
            found = self._find()
            if found is None:
                raise Failed(f"Stack {self._name} does not exist any more")
            self._show(found)
            status = found["StackStatus"]
            if status in GOOD:
                self._work.run.summary = f"Stack {self._name}: {status}"
                self._outputs(found)
                return
            if not status.endswith("_IN_PROGRESS"):
                raise Failed(f"Stack {self._name}: {status}. {found.get('StackStatusReason', '')}".strip())
        raise Ended

    def _show(self, found: dict[str, Any]) -> None:
        run = self._work.run
        run.external_id = found["StackId"]
        run.external_url = f"{run.entity_url}stack/detail?stackId={found['StackId']}"

    def _outputs(self, found: dict[str, Any]) -> None:
        outputs = {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])}
        work = self._work
        work.run.variables = outputs
        if work.run.action.outputs:
            name = work.run.action.outputs[0]
            folder = work.folder / "output" / name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / self._given.get("OutputFileName", "output.json")).write_text(
                json.dumps(outputs), encoding="utf-8"
            )
            work.run.outputs = {name: artifacts.store(work.client("s3"), folder, work.location(name))}

    def _request(self) -> dict[str, Any]:
        template = self._file("TemplatePath")
        if len(template.encode()) > LIMIT_BYTES:
            raise Failed(f"The rehearsal deploys templates of at most {LIMIT_BYTES} bytes", "ConfigurationError")
        given = self._configuration()
        request: dict[str, Any] = {"StackName": self._name, "TemplateBody": template}
        parameters = {**given.get("Parameters", {}), **self._overrides()}
        request["Parameters"] = [
            {"ParameterKey": key, "ParameterValue": str(value)} for key, value in parameters.items()
        ]
        request["Tags"] = [{"Key": key, "Value": str(value)} for key, value in given.get("Tags", {}).items()]
        if "StackPolicy" in given:
            request["StackPolicyBody"] = json.dumps(given["StackPolicy"])
        if self._given.get("Capabilities"):
            request["Capabilities"] = [one.strip() for one in self._given["Capabilities"].split(",")]
        return {**request, **({"RoleARN": self._given["RoleArn"]} if self._given.get("RoleArn") else {})}

    def _configuration(self) -> dict[str, Any]:
        """Read the template configuration file: Parameters, Tags and StackPolicy.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/continuous-delivery-codepipeline-cfn-artifacts.html
        """
        if "TemplateConfiguration" not in self._given:
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
        read = self._json(self._given.get("ParameterOverrides", "{}"), "ParameterOverrides")
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
        artifact, _, path = self._given[key].partition("::")
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
