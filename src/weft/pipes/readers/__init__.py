"""Readers of messages, by where they come from."""
