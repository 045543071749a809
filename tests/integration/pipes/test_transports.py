"""Ways for context and messages other than files: streams, several programs, stores, sockets that break, transports of one's own."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import textwrap
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.integration.pipes.world import DAGSTER, PACKAGE, WEFT, Told, program, run

from weft import (
    AssetExecutionContext,
    PipesChunkedLogReader,
    PipesCompositeMessageReader,
    PipesContextInjector,
    PipesEnvContextInjector,
    PipesFileMessageReader,
    PipesMessageReader,
    PipesObjectStoreContextInjector,
    PipesObjectStoreMessageReader,
    PipesSocketMessageReader,
    PipesStdioMessageReader,
    PipesSubprocessClient,
    PipesTempFileContextInjector,
    PipesTempFileMessageReader,
    asset,
    materialize,
    open_pipes_session,
)

BOTH = pytest.mark.parametrize("head", [DAGSTER, WEFT], ids=["dagster_pipes", "weft_pipes"])


# --- streams ---------------------------------------------------------------------------------------------------------


@BOTH
def test_messages_and_other_text_share_a_stream(head: str, tmp_path: Path) -> None:
    from weft import Instance

    text = """
        import sys
        with open_pipes() as pipes:
            sys.stderr.write("one line\\n{\\"no\\": \\"message\\"}\\n")
            sys.stderr.flush()
            pipes.log.info("a message")
            sys.stderr.write("without an end")
            sys.stderr.flush()
    """
    client = PipesSubprocessClient(message_reader=PipesStdioMessageReader("stderr"))
    with Instance.at(tmp_path / "home") as instance:
        told = run(program(tmp_path, text, head), client, instance=instance)

        assert told.result.success, told.failure
        assert "a message" in told.logs
        printed = told.printed("stderr")
        assert 'one line\n{"no": "message"}\n' in printed
        assert "without an end" in printed
        assert "__dagster_pipes_version" not in printed


def test_messages_that_are_written_when_the_program_closes(tmp_path: Path) -> None:
    """As of functions in clouds: their writer is told ``buffered_stdio``."""

    class Buffered(PipesStdioMessageReader):
        @contextmanager
        def read_messages(self, handler):
            with super().read_messages(handler):
                yield {"buffered_stdio": "stderr"}

    for head in (DAGSTER, WEFT):
        told = run(
            program(tmp_path, "with open_pipes() as pipes: pipes.log.info('late')\n", head),
            PipesSubprocessClient(message_reader=Buffered("stderr")),
        )
        assert "late" in told.logs


def test_a_process_in_the_background_does_not_keep_the_session_open(tmp_path: Path) -> None:
    """It holds the stream open after the program has ended."""
    text = """
        import subprocess, sys
        with open_pipes() as pipes:
            pipes.log.info("started")
            subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE, pass_fds=())
            child = subprocess.Popen(["sleep", "60"])
            pipes.report_custom_message(child.pid)
    """
    children = []

    def give(done):
        children.extend(done.get_custom_messages())
        return done.get_results()

    told = run(
        program(tmp_path, text, DAGSTER), PipesSubprocessClient(message_reader=PipesStdioMessageReader()), give=give
    )
    for child in children:
        os.kill(child, 9)

    assert told.result.success
    assert "started" in told.logs


# --- several programs ------------------------------------------------------------------------------------------------


def test_several_programs_write_into_one_session(tmp_path: Path) -> None:
    command = program(
        tmp_path,
        """
        import sys
        with open_pipes() as pipes:
            pipes.log.info("from %s", sys.argv[1])
            pipes.report_custom_message(sys.argv[1])
        """,
        DAGSTER,
    )

    @asset
    def made(context: AssetExecutionContext):
        reader = PipesCompositeMessageReader(
            [PipesFileMessageReader(tmp_path / "one"), PipesTempFileMessageReader(), PipesSocketMessageReader()]
        )
        with open_pipes_session(context, PipesTempFileContextInjector(), reader) as session:
            for number, variables in enumerate(session.get_per_writer_bootstrap_env_vars()[:2]):
                subprocess.run([*command, str(number)], env={**os.environ, **variables}, check=True)
            assert not session.message_handler.received_closed_message
            ours = program(tmp_path, "with open_pipes() as pipes: pipes.report_custom_message('ours')\n", WEFT)
            third = session.get_per_writer_bootstrap_env_vars()[2]
            subprocess.run(ours, env={**os.environ, "PYTHONPATH": str(PACKAGE), **third}, check=True)
        assert session.message_handler.received_closed_message
        assert sorted(session.get_custom_messages()) == ["0", "1", "ours"]
        return session.get_results()

    told = Told(materialize([made]), None)

    assert {"from 0", "from 1"} <= set(told.logs)


@BOTH
def test_a_program_may_be_started_with_arguments(head: str, tmp_path: Path) -> None:
    package = "dagster_pipes" if head == DAGSTER else "weft_pipes"
    command = program(
        tmp_path,
        f"""
        from {package} import PipesCliArgsParamsLoader
        with open_pipes(params_loader=PipesCliArgsParamsLoader()) as pipes:
            pipes.report_asset_materialization({{"n": 1}})
        """,
        head,
    )

    @asset
    def made(context: AssetExecutionContext):
        with open_pipes_session(context, PipesTempFileContextInjector(), PipesTempFileMessageReader()) as session:
            arguments = [part for pair in session.get_bootstrap_cli_arguments().items() for part in pair]
            environment = {**os.environ, "PYTHONPATH": str(PACKAGE)}
            subprocess.run([*command, "--other", "x", *arguments], env=environment, check=True)
        return session.get_results()

    assert Told(materialize([made]), None).materializations["made"].metadata["n"].value == 1


# --- stores ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def s3() -> Iterator[dict[str, Any]]:
    """A server of S3 on this machine, with a bucket; gives the options for fsspec."""
    pytest.importorskip("moto")
    pytest.importorskip("s3fs")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [str(Path(sys.executable).parent / "moto_server"), "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    endpoint = f"http://127.0.0.1:{port}"
    try:
        _until_up(endpoint, server)
        urllib.request.urlopen(urllib.request.Request(f"{endpoint}/lake", method="PUT")).close()
        yield {"key": "k", "secret": "s", "client_kwargs": {"endpoint_url": endpoint, "region_name": "us-east-1"}}
    finally:
        server.terminate()
        server.wait()


def _until_up(endpoint: str, server: subprocess.Popen[bytes]) -> None:
    pause = threading.Event()
    for _ in range(600):
        assert server.poll() is None, "the server ended"
        try:
            urllib.request.urlopen(endpoint, timeout=1).close()
        except OSError:
            pause.wait(0.1)
        else:
            return
    raise AssertionError("the server never came up")


@BOTH
def test_context_and_messages_go_through_an_object_store(head: str, s3: dict[str, Any], tmp_path: Path) -> None:
    package = "dagster_pipes" if head == DAGSTER else "weft_pipes"
    client_of = (
        "boto3.client('s3', endpoint_url=%r, region_name='us-east-1', aws_access_key_id='k', aws_secret_access_key='s')"
    )
    text = f"""
        import boto3
        from {package} import PipesS3ContextLoader, PipesS3MessageWriter
        client = {client_of % s3["client_kwargs"]["endpoint_url"]}
        with open_pipes(context_loader=PipesS3ContextLoader(client), message_writer=PipesS3MessageWriter(client, interval=0.2)) as pipes:
            for number in range(300):
                pipes.log.info("line %s", number)
            pipes.report_asset_materialization({{"n": pipes.get_extra("n")}})
    """
    client = PipesSubprocessClient(
        context_injector=PipesObjectStoreContextInjector("s3://lake/pipes", s3),
        message_reader=PipesObjectStoreMessageReader("s3://lake/pipes", s3, interval=0.1),
    )

    told = run(program(tmp_path, text, head), client, extras={"n": 7})

    assert told.result.success, told.failure
    assert [line for line in told.logs if line.startswith("line ")] == [f"line {number}" for number in range(300)]
    assert told.materializations["made"].metadata["n"].value == 7
    left = urllib.request.urlopen(f"{s3['client_kwargs']['endpoint_url']}/lake?list-type=2").read()
    assert b"<Key>" not in left, "what was put there is removed"


def test_a_folder_is_an_object_store_as_well(tmp_path: Path) -> None:
    """The writer of chunks is a subclass of the program's own, over the path that it is told."""
    text = """
        import pathlib
        from weft_pipes import PipesBlobStoreMessageWriter, PipesBlobStoreMessageWriterChannel

        class Channel(PipesBlobStoreMessageWriterChannel):
            def upload_messages_chunk(self, payload, index):
                (self.folder / f"{index}.json").write_text(payload)

        class Writer(PipesBlobStoreMessageWriter):
            def make_channel(self, params):
                channel = Channel(interval=self.interval)
                channel.folder = pathlib.Path(params["path"])
                return channel

        with open_pipes(message_writer=Writer(interval=0.05)) as pipes:
            pipes.log.info("through a folder")
    """
    client = PipesSubprocessClient(
        message_reader=PipesObjectStoreMessageReader(str(tmp_path / "store"), interval=0.02),
        context_injector=PipesEnvContextInjector(),
    )

    told = run(program(tmp_path, text, WEFT), client)

    assert "through a folder" in told.logs


# --- transports of one's own -----------------------------------------------------------------------------------------


def test_transports_of_ones_own_are_subclasses(tmp_path: Path) -> None:
    folder = tmp_path / "mailbox"
    folder.mkdir()

    class Mailbox(PipesContextInjector):
        @contextmanager
        def inject_context(self, context_data):
            (folder / "context").write_text(json.dumps(context_data))
            yield {"mailbox": str(folder)}

        def no_messages_debug_text(self) -> str:
            return "in the mailbox"

    class Letters(PipesMessageReader):
        @contextmanager
        def read_messages(self, handler):
            yield {"letters": str(folder)}
            for letter in sorted(folder.glob("*.letter")):
                handler.handle_message(json.loads(letter.read_text()))

        def no_messages_debug_text(self) -> str:
            return "as letters in the mailbox"

    text = """
        import json, pathlib
        from contextlib import contextmanager
        from dagster_pipes import PipesContextLoader, PipesMessageWriter, PipesMessageWriterChannel

        class Loader(PipesContextLoader):
            @contextmanager
            def load_context(self, params):
                yield json.loads((pathlib.Path(params["mailbox"]) / "context").read_text())

        class Channel(PipesMessageWriterChannel):
            def __init__(self, folder):
                self.folder, self.number = folder, 0
            def write_message(self, message):
                self.number += 1
                (self.folder / f"{self.number:05d}.letter").write_text(json.dumps(message))

        class Writer(PipesMessageWriter):
            @contextmanager
            def open(self, params):
                yield Channel(pathlib.Path(params["letters"]))

        with open_pipes(context_loader=Loader(), message_writer=Writer()) as pipes:
            pipes.log.info("by letter")
            pipes.report_asset_materialization({"n": 1})
    """
    client = PipesSubprocessClient(context_injector=Mailbox(), message_reader=Letters())

    told = run(program(tmp_path, text, DAGSTER), client)
    silent = run(
        program(tmp_path, "pass\n"), PipesSubprocessClient(context_injector=Mailbox(), message_reader=Silent())
    )

    assert "by letter" in told.logs
    assert told.materializations["made"].metadata["n"].value == 1
    assert any("in the mailbox" in line and "nowhere" in line for line in silent.logs)


class Silent(PipesMessageReader):
    @contextmanager
    def read_messages(self, handler):
        yield {}

    def no_messages_debug_text(self) -> str:
        return "nowhere"


def test_the_log_of_a_remote_program_is_fetched_beside_its_messages(tmp_path: Path) -> None:
    from weft import Instance

    log = tmp_path / "remote.log"

    class Remote(PipesChunkedLogReader):
        def __init__(self) -> None:
            super().__init__(interval=0.01)
            self.seen = 0

        def target_is_readable(self, params) -> bool:
            return params["extras"].get("log") == str(log) and log.exists()

        def download_log_chunk(self, params) -> str | None:
            text = log.read_text()[self.seen :]
            self.seen += len(text)
            return text or None

    class Opened(PipesObjectStoreMessageReader):
        pass

    text = f"""
        import pathlib
        from weft_pipes import PipesBlobStoreMessageWriter, PipesBlobStoreMessageWriterChannel

        class Channel(PipesBlobStoreMessageWriterChannel):
            def upload_messages_chunk(self, payload, index):
                (self.folder / f"{{index}}.json").write_text(payload)

        class Writer(PipesBlobStoreMessageWriter):
            def make_channel(self, params):
                channel = Channel(interval=0.01)
                channel.folder = pathlib.Path(params["path"])
                return channel
            def get_opened_extras(self):
                return {{"log": {str(log)!r}}}

        with open_pipes(message_writer=Writer()) as pipes:
            pathlib.Path({str(log)!r}).write_text("first\\nlast\\n")
    """
    reader = Opened(str(tmp_path / "store"), interval=0.01, log_readers=[Remote()])
    with Instance.at(tmp_path / "home") as instance:
        told = run(program(tmp_path, text, WEFT), PipesSubprocessClient(message_reader=reader), instance=instance)

        assert told.result.success, told.failure
        assert "first\nlast\n" in told.printed("stdout")


# --- channels that break ---------------------------------------------------------------------------------------------

CUT = """
    import socket
    with open_pipes() as pipes:
        for number in range(5000):
            pipes.log.info("line %s", number)
            if number % 700 == 350:
                # As a network does it: without a word to this program.
                pipes._channel._connection.shutdown(socket.SHUT_RDWR)
"""


@pytest.mark.parametrize("host", [None, "127.0.0.1"])
def test_a_connection_that_is_cut_resumes_without_loss(host: str | None, tmp_path: Path) -> None:
    reader = PipesSocketMessageReader(host)

    told = run(program(tmp_path, CUT, WEFT), PipesSubprocessClient(message_reader=reader))

    assert told.result.success, told.failure
    assert [line for line in told.logs if line.startswith("line ")] == [f"line {number}" for number in range(5000)]
    assert not [line for line in told.logs if "WEFT-" in line]


def test_a_file_that_is_replaced_or_cut_short_resumes_without_loss(tmp_path: Path) -> None:
    text = """
        import os
        with open_pipes() as pipes:
            path = pipes._channel._path
            for number in range(3000):
                pipes.log.info("line %s", number)
                if number == 1000:
                    os.remove(path)
                if number == 2000:
                    os.truncate(path, 0)
    """
    told = run(program(tmp_path, text, WEFT))

    assert told.result.success, told.failure
    assert [line for line in told.logs if line.startswith("line ")] == [f"line {number}" for number in range(3000)]
    assert not [line for line in told.logs if "WEFT-" in line]


def test_a_stranger_is_not_heard(tmp_path: Path) -> None:
    """Neither one with another token nor one that does not greet; the program itself is."""
    text = """
        import json, os, socket
        with open_pipes() as pipes:
            for greeting in ({"weft_pipes_hello": 1, "writer": "w", "token": "guessed"}, [1]):
                stranger = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                stranger.connect(pipes._channel._address)
                line = json.dumps({"__dagster_pipes_version": "0.1", "method": "log", "params": {"message": "evil", "level": "INFO"}})
                stranger.sendall((json.dumps(greeting) + "\\n" + line + "\\n").encode())
                assert stranger.recv(100) == b""
            pipes.log.info("good")
    """
    told = run(program(tmp_path, text, WEFT), PipesSubprocessClient(message_reader=PipesSocketMessageReader()))

    assert "good" in told.logs
    assert "evil" not in told.logs
    assert len([line for line in told.logs if "WEFT-X350" in line]) == 2


def test_forked_children_write_over_connections_of_their_own(tmp_path: Path) -> None:
    text = """
        import os
        with open_pipes() as pipes:
            children = []
            for child in range(3):
                pid = os.fork()
                if pid == 0:
                    for number in range(200):
                        pipes.log.info("child %s line %s", child, number)
                    pipes._channel.close()
                    os._exit(0)
                children.append(pid)
            for number in range(200):
                pipes.log.info("parent line %s", number)
            for pid in children:
                os.waitpid(pid, 0)
    """
    for reader in (PipesSocketMessageReader(), PipesTempFileMessageReader()):
        told = run(
            program(tmp_path, text if isinstance(reader, PipesSocketMessageReader) else _without_close(text), WEFT),
            PipesSubprocessClient(message_reader=reader),
        )
        assert told.result.success, told.failure
        for who in ("child 0", "child 1", "child 2", "parent"):
            assert [line for line in told.logs if line.startswith(f"{who} ")] == [
                f"{who} line {number}" for number in range(200)
            ]
        assert not [line for line in told.logs if "WEFT-" in line]


def _without_close(text: str) -> str:
    return text.replace("pipes._channel.close()", "pass")


# --- other languages -------------------------------------------------------------------------------------------------

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "external_processes"


@pytest.mark.parametrize(("tool", "script"), [("sh", "report.sh"), ("node", "report.mjs")])
def test_programs_in_other_languages_need_no_package(tool: str, script: str, tmp_path: Path) -> None:
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not on this machine")
    orders = tmp_path / "orders.csv"
    orders.write_text(
        textwrap.dedent("""\
            id,amount
            1,20
            2,5
            """)
    )

    told = run([tool, str(EXAMPLE / script)], extras={"orders": str(orders)})

    assert told.result.success, told.failure
    made = told.materializations["made"]
    assert {label: made.metadata[label].value for label in ("orders", "total")} == {"orders": 2, "total": 25}
    assert any("2 orders" in line for line in told.logs)
    assert not [line for line in told.logs if "WEFT-" in line]
