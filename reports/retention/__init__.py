"""How long files are kept, and their destruction by two persons."""
