"""The tests. They mirror the tree of what they test."""
