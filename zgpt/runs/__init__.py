"""From a question to a finished answer."""
