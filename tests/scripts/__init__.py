"""The set-up behind `make`: what it does twice, what it does not, and what it says when it cannot go on."""
