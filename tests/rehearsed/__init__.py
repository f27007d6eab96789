"""The product on the engine: templates, roles, hook and router, and the ten steps."""
