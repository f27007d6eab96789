"""Step 6: from a push or an approval to the pipeline that it starts."""
