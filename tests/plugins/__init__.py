"""Plugins of pytest that must load before the first test module; not fixtures."""
