"""Step 4: what runs inside AWS's scikit-learn container: numpy, pandas, scikit-learn, boto3 and nothing else."""
