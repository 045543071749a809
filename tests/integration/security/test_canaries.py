"""Secrets of a run's configuration are nowhere in what weft writes or shows, except in what user code prints itself."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

WEFT = Path(sys.executable).parent / "weft"

CANARIES = {f"CANARY_{number}": f"canary-{number:02}/s3cr3t+{number * 7919}" for number in range(20)}

PROJECT = """
import base64, os, shutil
from urllib.parse import quote
from weft import (
    AssetCheckResult, Config, ConfigurableResource, Definitions, EnvVar, Failure, MaterializeResult, MetadataValue,
    asset, asset_check, resource,
)
from pydantic import SecretStr
from weft.config.schema import StringSource

C = [os.environ[f"CANARY_{number}"] for number in range(20)]

class Inner(ConfigurableResource):
    token: str = EnvVar("CANARY_0")

class Warehouse(ConfigurableResource):
    inner: Inner
    password: str = EnvVar("CANARY_1")
    dsn: str = EnvVar("CANARY_2")
    key: SecretStr = SecretStr(C[3])

class Settings(Config):
    api_key: str = EnvVar("CANARY_4")
    host: str = EnvVar("CANARY_5")
    typed_password: str
    pin: SecretStr
    connection: str = ""

@resource({"url": StringSource})
def legacy(context):
    yield context.resource_config["url"]
    raise RuntimeError("cannot close " + context.resource_config["url"])

@asset
def logs(context, warehouse: Warehouse, config: Settings):
    context.log.info("connecting to %s with %s", warehouse.dsn, warehouse.password, extra={"token": warehouse.inner.token})
    context.log.warning(repr(warehouse) + repr(config) + str(config.__dict__))
    context.log.error("key " + config.api_key + quote(config.host, safe=""))
    context.log.debug(base64.b64encode(f"user:{config.typed_password}".encode()).decode())
    try:
        raise ConnectionError(f"refused: {warehouse.dsn}")
    except ConnectionError:
        context.log.exception("pin %s", config.pin.get_secret_value())
    context.add_output_metadata({"dsn": warehouse.dsn, "json": {"a": [config.api_key]}, "md": MetadataValue.md(config.host)})
    return 1

@asset(required_resource_keys={"legacy"})
def fails(context, warehouse: Warehouse, config: Settings):
    try:
        raise KeyError(warehouse.key.get_secret_value())
    except KeyError as error:
        raise Failure(f"no {config.api_key}", metadata={"url": f"postgres://u:{warehouse.password}@{config.host}", "l": context.resources.legacy}) from error

@asset_check(asset=logs)
def check(warehouse: Warehouse):
    return AssetCheckResult(passed=False, description=warehouse.dsn, metadata={"p": warehouse.password})

@asset(deps=[logs])
def tagged(warehouse: Warehouse):
    shutil.copytree(os.path.join(os.environ["WEFT_HOME"], "journals"), "journals-of-the-run")
    return MaterializeResult(tags={"t": warehouse.password[:9]}, metadata={warehouse.dsn: warehouse.inner.token})

defs = Definitions(
    assets=[logs, fails, tagged], asset_checks=[check],
    resources={"warehouse": Warehouse(inner=Inner()), "legacy": legacy},
)
"""

CONFIG = """
resources:
  legacy:
    config:
      url: {{env: CANARY_6}}
ops:
  logs:
    config:
      typed_password: {typed}
      pin: {pin}
      connection: "https://user:{typed}@host"
  fails:
    config:
      typed_password: {typed}
      pin: {pin}
"""


def forms(secret: str) -> set[bytes]:
    encoded = base64.b64encode(b"user:" + secret.encode()).rstrip(b"=")[8:-2]
    return {secret.encode(), quote(secret, safe="").encode(), encoded}


def leaks(data: bytes) -> list[str]:
    return [name for name, secret in CANARIES.items() if any(form in data for form in forms(secret))]


def weft(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WEFT_")}
    return subprocess.run(
        [WEFT, *arguments],
        cwd=folder,
        env={**kept, **CANARIES, "WEFT_HOME": str(folder / "home"), **environment},
        capture_output=True,
        check=False,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "defs.py").write_text(PROJECT, "utf-8")
    typed, pin = CANARIES["CANARY_10"], CANARIES["CANARY_11"]
    (tmp_path / "run.yaml").write_text(CONFIG.format(typed=typed, pin=pin), "utf-8")
    return tmp_path


def test_no_canary_is_written_or_shown(project: Path) -> None:
    tag = f"why={CANARIES['CANARY_1']}"
    ran = weft(project, "asset", "materialize", "-f", "defs.py", "--select", "*", "-c", "run.yaml", "--tags", tag)
    shown = ran.stdout + ran.stderr
    assert b"ConnectionError" in shown or b"Failure" in shown, shown.decode()
    assert leaks(shown) == []
    home = project / "home"
    files = [path for path in home.rglob("*") if path.is_file() and home / "storage" not in path.parents]
    assert any(path.name == "weft.db" for path in files)
    assert {path.name: found for path in files if (found := leaks(path.read_bytes()))} == {}
    listed = weft(project, "run", "list", "--json")
    journals = list((project / "journals-of-the-run").iterdir())
    assert [leaks(path.read_bytes()) for path in journals] == [[]]
    assert leaks(listed.stdout + listed.stderr) == []
