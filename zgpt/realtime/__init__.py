"""The delivery engine: sockets, frames, who looks at what. Flask appears in server.py only; the database nowhere."""
