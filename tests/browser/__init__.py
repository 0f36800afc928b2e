"""What people see: the web app in a real Chromium, on a real server."""
