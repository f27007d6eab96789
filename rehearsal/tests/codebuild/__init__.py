"""Tests of CodeBuild."""
