"""The ports of a storage, offered by one process to others over a socket: many workers share the few connections of a daemon.

`calls` says what can be asked, `server` answers, `client` asks. Values are those of `weft.model`, in its one encoding; nothing is pickled, and every argument is
checked against the signature of the port before it is used.
"""
