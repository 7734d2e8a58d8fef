"""Small programs behind the Makefile: standard library only, started by the system's Python."""
