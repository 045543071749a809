"""Injectors of the context, by where they put it."""
