"""The I/O managers that come with weft, named by where values go. Each loads only what it is asked for."""
