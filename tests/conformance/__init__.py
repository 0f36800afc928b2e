"""Other people's judgement of our WebSocket engine."""
