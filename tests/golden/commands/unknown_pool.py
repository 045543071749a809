"""A pool whose name is misspelt."""

if __name__ == "__main__":
    import os
    from pathlib import Path

    from tests.golden.playback import weft

    from weft import Instance

    with Instance.at(Path(os.environ["WEFT_HOME"])) as instance:
        instance.pools.set_limit("warehouse", 3)
    weft("pool", "show", "warehous")
