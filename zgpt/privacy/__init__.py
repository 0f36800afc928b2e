"""Your data: all of it as a file, and what is deleted by itself for its age."""
