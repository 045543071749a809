"""Evaluating schedules and sensors: user code is called with a context, and what it says becomes a plain value. Nothing is started or stored."""
