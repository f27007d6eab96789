"""Step 4: run a Data Wrangler flow on this machine, in place of AWS's Data Wrangler container."""
