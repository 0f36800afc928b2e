"""The WebSocket endpoint: commands in, events out."""
