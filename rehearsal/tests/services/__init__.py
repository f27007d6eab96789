"""Tests of the services, each against an embedded AWS of its own."""
