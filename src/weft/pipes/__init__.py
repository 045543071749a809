"""Steps in external processes: the orchestrator's side of the Pipes protocol.

A step starts a program in any language and hands it two texts: where its context is, and where its messages go. The program reads the one and
writes lines of JSON to the other; what it says becomes lines of the log, results of the step and events of the run, while it runs.

The parts, from the wire upwards:

- `protocol`: the texts and the lines, as values. `context_data` and `metadata` make and read what is in them.
- `messages`: what each message does (`PipesMessageHandler`).
- `injector` and `injectors`: how the context gets to the program.
- `reader` and `readers`: how its messages come back.
- `session`: both of them around one program (`open_pipes_session`).
- `client` and `subprocess_client`: who starts the program.

A transport of one's own is a subclass of `PipesContextInjector` or `PipesMessageReader`; nothing else has to know of it.
"""
