"""A run is asked for that is not there."""

if __name__ == "__main__":
    from tests.golden.playback import weft

    weft("instance", "migrate", show=False)
    weft("run", "show", "0193a4c0-0000-7000-8000-000000000000")
