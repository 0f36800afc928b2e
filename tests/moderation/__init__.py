"""Moderation: what is found, what is held back, and what happens when a part of it fails."""
