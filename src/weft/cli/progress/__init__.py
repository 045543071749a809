"""Showing a run while it goes on: what is known of it (`run_view`), how it is drawn (`tree`, `lines`), what is said at its end (`summary`)."""
