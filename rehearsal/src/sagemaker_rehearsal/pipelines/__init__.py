"""Step 4: execute a SageMaker pipeline's definition on this machine."""
