from weft import Instance

(here / "home").write_text("")  # noqa: F821  # given by the test
Instance.get()
