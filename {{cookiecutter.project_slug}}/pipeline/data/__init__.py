"""Plumbing: find the input CSV, check it, and read or write Data Wrangler flows; nothing here knows of AWS."""
