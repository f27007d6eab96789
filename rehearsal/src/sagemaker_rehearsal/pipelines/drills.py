"""Faults that a rehearsal injects on request (`--drill NAME`), to test how the project handles them."""

# AWS closed SageMaker Clarify to new customers: there, Autopilot makes no explainability report.
# https://docs.aws.amazon.com/sagemaker/latest/dg/clarify-availability-change.html
NO_CLARIFY = "no-clarify"
DRILLS = {NO_CLARIFY: "an account without SageMaker Clarify: Autopilot makes no explainability report"}
HELP = "; ".join(f"{name}: {text}" for name, text in DRILLS.items())
