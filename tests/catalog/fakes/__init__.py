"""Stand-ins for AWS that behave: they keep state, enforce limits and refuse as the service does."""
