"""Where state lives: ports by noun (`weft.storage.ports`), and their implementations over memory and SQL."""
