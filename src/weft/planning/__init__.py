"""Pure decisions: functions from values to values, and state machines of the form ``handle(stimulus) -> [instruction]``.

No I/O, no wall clock, no threads, no user code. The same planner serves a script, the daemon and the web server, and runs under a
virtual clock in tests.
"""
