"""Something is asked for that is no run id."""

if __name__ == "__main__":
    from tests.golden.playback import weft

    weft("run", "show", "../../etc/passwd")
