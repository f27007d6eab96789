"""An embedded AWS, and the steps of a SageMaker Autopilot project on it; nothing that runs on AWS needs this."""

import os

# Before any module imports moto: it looks for a container engine, and adds headers that no AWS service sends
os.environ.setdefault("MOTO_DISABLE_GLOBAL_CORS", "true")
os.environ.setdefault("TEST_SERVER_MODE", "false")
