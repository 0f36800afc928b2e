"""A believable demo: people, sessions and finished answers, to try things with. It is never there unless asked for."""
