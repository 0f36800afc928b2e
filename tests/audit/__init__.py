"""Tests of `make audit`: what it lets pass and what not. The tools themselves run in the workflow."""
