"""What a tester would try, and what must happen; the numbers are those of docs/SECURITY.md."""
