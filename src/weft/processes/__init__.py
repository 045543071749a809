"""Processes that are kept warm: forked on request, watched, limited, and ended with everything that they started."""
