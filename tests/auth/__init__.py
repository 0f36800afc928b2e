"""Tests of accounts: users, logins and tokens."""
