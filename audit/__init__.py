"""What looks at Z-GPT's own code, secrets, licences and workflows: `make audit`. The tools are in .venv-audit."""
