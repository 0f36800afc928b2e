"""Tests of zgpt/gateway."""
