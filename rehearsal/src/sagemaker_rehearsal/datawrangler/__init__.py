"""Step 4: run a Data Wrangler flow on this machine, as the Data Wrangler container does on AWS."""
