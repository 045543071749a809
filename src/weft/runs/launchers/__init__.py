"""How workers of runs come into being: one port, several ways."""
