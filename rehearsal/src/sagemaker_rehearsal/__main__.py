"""Run the command line: `python -m sagemaker_rehearsal` is the same as `rehearse`."""

from sagemaker_rehearsal.cli import script

script()
