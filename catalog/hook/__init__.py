"""Step 3: the custom resource that seeds a project's repository with the rendered template."""
