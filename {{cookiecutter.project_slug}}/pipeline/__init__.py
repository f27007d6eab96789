"""Step 4: settings, data checks and the SageMaker pipeline. Imports nothing: job scripts lack the SDK."""
