"""Accounts: users, their logins and their tokens."""
