from weft import Instance

home = here / "home"  # noqa: F821  # given by the test
home.mkdir()
(home / "weft.db").write_bytes(b"this is not a database" * 100)
Instance.get()
