"""A dagster.yaml that names a launcher of theirs that is not here."""

SETTINGS = """\
run_launcher:
  module: dagster_k8s
  class: K8sRunLauncher
telemetry:
  enabled: true
"""

if __name__ == "__main__":
    import os
    from pathlib import Path

    from tests.golden.playback import weft

    home = Path(os.environ["WEFT_HOME"])
    home.mkdir(parents=True, exist_ok=True)
    (home / "dagster.yaml").write_text(SETTINGS, "utf-8")
    weft("instance", "info")
