"""Sessions and messages over REST."""
