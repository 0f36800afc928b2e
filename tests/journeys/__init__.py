"""The main job from end to end: the real command, a real socket, the real built-in model."""
