"""The ports over SQL: one file per store, written once for every dialect.

`tables` is the schema; `database` is what a store needs of a database; `upserts` holds what the dialects say differently; the
database itself (files, connections, locks, versions) is `weft.storage.sqlite` and its siblings.
"""
