"""The ten steps as people walk them: personas, waiters, the report, and what a terminal shows."""
