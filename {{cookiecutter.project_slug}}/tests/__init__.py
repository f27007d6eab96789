"""Tests of the generated repository. No file of a template may be empty: CodeCommit refuses such files."""
