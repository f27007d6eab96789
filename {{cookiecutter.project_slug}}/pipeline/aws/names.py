"""Steps 4 to 10: every name that is made from the project's name and id, in one place.

The project's name has at most 32 characters and its id 16, so that each name keeps its service's limit (63 or more).
"""


def bucket(project_id: str) -> str:
    """The project's bucket."""
    return f"sagemaker-project-{project_id}"


def pipeline(project_name: str, project_id: str) -> str:
    """The SageMaker pipeline that trains."""
    return f"sagemaker-{project_name}-{project_id}-train"


def model_package_group(project_name: str, project_id: str) -> str:
    """The registry's group of the project's models."""
    return f"{project_name}-{project_id}"


def endpoint(project_name: str, stage: str) -> str:
    """The endpoint of a stage (`staging` or `prod`)."""
    return f"{project_name}-{stage}"


def stack(project_name: str, project_id: str, stage: str) -> str:
    """The CloudFormation stack of a stage's endpoint."""
    return f"sagemaker-{project_name}-{project_id}-{stage}"
