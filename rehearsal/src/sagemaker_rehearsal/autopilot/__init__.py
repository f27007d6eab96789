"""Step 4: AutoML on this machine, with the request and the answers of CreateAutoMLJob."""
