"""An embedded AWS, and the steps of a SageMaker Autopilot project on it; nothing that runs on AWS needs this."""
