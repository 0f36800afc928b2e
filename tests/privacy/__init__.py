"""Tests of the export and of pruning."""
