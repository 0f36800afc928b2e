"""Tests of sessions and messages."""
