"""Steps 4 to 10: SageMaker as far as the product uses it; records of registry and pipelines stay with moto."""

from sagemaker_rehearsal.sagemaker import endpoints, jobs, models, packages, pipelines, runtime

__all__ = ["endpoints", "jobs", "models", "packages", "pipelines", "runtime"]
