"""Tests of zgpt/llm."""
