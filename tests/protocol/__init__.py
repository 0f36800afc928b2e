"""One example per command, result and event (JSON, read here and by the JavaScript tests), and what holds them true."""
