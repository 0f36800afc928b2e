"""`zgpt serve`: the one parent of gunicorn and of the built-in model. Not what they do."""
