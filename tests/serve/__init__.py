"""Tests of zgpt/serve: the real command, its children, and their deaths."""
