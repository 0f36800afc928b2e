"""The thin core that two or more features stand on. It knows no feature."""
