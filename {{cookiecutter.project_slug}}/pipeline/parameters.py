"""Step 4: the pipeline's parameters: what one start may change without a commit. Each is used in the definition."""

from typing import Any

from pipeline.sdk import ParameterFloat, ParameterString
from pipeline.settings_model import Settings

NO_ORIGIN = "not recorded"
STATUSES = ["PendingManualApproval", "Approved", "Rejected"]


class Parameters:
    """One attribute a parameter, with the settings' value as its default."""

    def __init__(self, settings: Settings, input_uri: str, origin: str) -> None:
        compute = settings.compute
        self.input = ParameterString("InputDataUri", default_value=input_uri or None)
        self.origin = ParameterString("DataOrigin", default_value=origin or NO_ORIGIN)
        self.approval = ParameterString("ModelApprovalStatus", default_value=STATUSES[0], enum_values=STATUSES)
        self.threshold = ParameterFloat("GateThreshold", default_value=settings.gate.threshold)
        self.flow_instance = ParameterString("FlowInstanceType", default_value=compute.flow_instance)
        self.job_instance = ParameterString("JobInstanceType", default_value=compute.job_instance)
        self.transform_instance = ParameterString("TransformInstanceType", default_value=compute.transform_instance)
        self.commit = ParameterString("Commit", default_value="uncommitted")

    def all(self) -> list[Any]:
        """List them in a fixed order."""
        return list(vars(self).values())
