"""Steps 2 to 10: what everything of a project is called, by `catalog/product.yaml`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Project:
    """One project.

    Attributes:
        name: as the lead chose it.
        id: as SageMaker gave it.
        region: where it is.
    """

    name: str
    id: str
    region: str

    @property
    def prefix(self) -> str:
        """What most names begin with."""
        return f"sagemaker-{self.name}-{self.id}"

    @property
    def repository(self) -> str:
        """The CodeCommit repository."""
        return self.prefix

    @property
    def build_pipeline(self) -> str:
        """The CodePipeline that trains."""
        return f"{self.prefix}-build"

    @property
    def deploy_pipeline(self) -> str:
        """The CodePipeline that deploys."""
        return f"{self.prefix}-deploy"

    @property
    def training_pipeline(self) -> str:
        """The SageMaker pipeline."""
        return f"{self.prefix}-train"

    @property
    def group(self) -> str:
        """The model package group."""
        return f"{self.name}-{self.id}"

    @property
    def bucket(self) -> str:
        """The project's bucket."""
        return f"sagemaker-project-{self.id}"

    @property
    def approver_policy(self) -> str:
        """The managed policy of those who approve."""
        return f"{self.prefix}-approver"

    def endpoint(self, stage: str) -> str:
        """The endpoint of a stage."""
        return f"{self.name}-{stage}"

    def stack(self, stage: str) -> str:
        """The stack of a stage's endpoint."""
        return f"{self.prefix}-{stage}"
