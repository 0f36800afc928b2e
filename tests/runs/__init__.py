"""Tests of zgpt/runs."""
