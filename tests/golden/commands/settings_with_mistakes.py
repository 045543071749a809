"""Settings with three mistakes: all of them at once, each with its line."""

from pathlib import Path

SETTINGS = """\
queue:
  max_concurent_runs: 4
  poll: often
monitoring:
  lease: {env: LEASE_TIME}
"""

if __name__ == "__main__":
    import os

    from tests.golden.playback import weft

    home = Path(os.environ["WEFT_HOME"])
    home.mkdir(parents=True, exist_ok=True)
    (home / "weft.yaml").write_text(SETTINGS, "utf-8")
    weft("instance", "info")
