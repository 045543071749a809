"""Carrying out a plan with the user's code: steps, contexts, resources, I/O managers, hooks, the journal, executors."""
