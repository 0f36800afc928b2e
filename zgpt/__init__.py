"""Z-GPT, a self-hosted real-time AI chat. Only the version is here; `zgpt.app.create_app` makes the application."""

__version__ = "0.1.0"
