"""The same over SPARQL 1.1: builds, answers, checks and exports of a store elsewhere are those of the embedded one.

With an Oxigraph server (of the development environment) and Virtuoso (Debian's package, skipped where it is absent).
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pyoxigraph as ox
import pytest

from benchmarks.serve import free_port
from kg import exporters, pipeline
from kg.errors import StoreError
from kg.query import ask
from kg.store import Store, open_store
from kg.validate import validate
from tests.commands import kg
from tests.invented import read_reports, store_of_reports
from tests.test_query import EXPECTED, given_in

FOREIGN = "https://example.org/graph"
VIRTUOSO = """[Database]
DatabaseFile = virtuoso.db
ErrorLogFile = virtuoso.log
LockFile = virtuoso.lck
TransactionFile = virtuoso.trx
xa_persistent_file = virtuoso.pxa
[TempDatabase]
DatabaseFile = virtuoso-temp.db
TransactionFile = virtuoso-temp.trx
[Parameters]
ServerPort = 127.0.0.1:{sql}
[HTTPServer]
ServerPort = 127.0.0.1:{port}
[SPARQL]
"""


def oxigraph(folder: Path, port: int) -> list[str]:
    program = Path(sys.executable).with_name("oxigraph")
    return [str(program), "serve", "--location", str(folder), "--bind", f"127.0.0.1:{port}"]


def virtuoso(folder: Path, port: int) -> list[str]:
    program = shutil.which("virtuoso-t")
    if program is None:
        pytest.skip("no Virtuoso here (Debian: virtuoso-opensource-7-bin)")
    (folder / "virtuoso.ini").write_text(VIRTUOSO.format(sql=free_port(), port=port), encoding="utf-8")
    return [program, "+foreground", "+configfile", "virtuoso.ini"]


@contextmanager
def running(command: list[str], folder: Path, port: int) -> Iterator[str]:
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            while True:
                assert server.poll() is None, f"{command[0]} did not start"
                try:
                    httpx.get(f"http://127.0.0.1:{port}/sparql", timeout=20)
                    break
                except httpx.TransportError:
                    time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()


@pytest.fixture(scope="module", params=[oxigraph, virtuoso])
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, port = tmp_path_factory.mktemp("server"), free_port()
    with (
        pytest.MonkeyPatch.context() as environment,
        running(request.param(folder, port), folder, port) as served,
    ):
        environment.setenv("KG_STORE_USER", "dba")  # as Virtuoso comes; Oxigraph asks nobody
        environment.setenv("KG_STORE_PASSWORD", "dba")
        yield served


@pytest.fixture(scope="module")
def local(seeds: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The embedded store, with the seeds built and the invented reports."""
    folder = tmp_path_factory.mktemp("local")
    pipeline.build([seeds], folder)
    with open_store(folder / "store") as store:
        store.bulk_load(store_of_reports(list(read_reports())).quads())
        yield store


@pytest.fixture(scope="module")
def remote(address: str, seeds: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store elsewhere with the same."""
    pipeline.build([seeds], tmp_path_factory.mktemp("remote"), store=address)
    with open_store(address) as store:
        store.bulk_load(store_of_reports(list(read_reports())).quads())
        yield store


def test_all_is_what_the_embedded_store_gives(remote: Store, local: Store, tmp_path: Path) -> None:
    """Graphs, answers, a query of one's own, exports, validation: one test, so that each server starts once."""
    assert remote.base == local.base and remote.graphs() == local.graphs() and len(remote) == len(local)
    assert repr(remote).startswith("Store('http://127.0.0.1:")
    for name, given in {path.stem.partition("@")[0]: given_in(path) for path in EXPECTED}.items():
        assert ask(remote, name, given) == ask(local, name, given), name
    for name in ("nq", "kgx"):
        one, other = io.BytesIO(), io.BytesIO()
        exporters.export(remote, one, name)
        exporters.export(local, other, name)
        assert one.getvalue() == other.getvalue(), name
    assert validate(remote.name) == validate(local)
    file = tmp_path / "lengths.rq"
    text = (
        "CONSTRUCT { ?x <https://example.org/lasted> ?d } WHERE { ?x <https://w3id.org/casekg/ontology#duration> ?d }"
    )
    file.write_text(text, encoding="utf-8")
    assert ask(remote, str(file)).turtle == ask(local, str(file)).turtle != ""
    file.write_text("SELECT nonsense", encoding="utf-8")
    assert "not valid SPARQL" in kg("query", file, "--store", remote.name, code=2).stderr


@pytest.mark.parametrize("address", [oxigraph], indirect=True, scope="module")
def test_a_build_changes_what_changed(address: str, tmp_path: Path) -> None:
    """And leaves alone what others keep there; ``KG_STORE`` may name the store."""
    text = "A 5-year-old girl with acute lymphoblastic leukemia was treated with vincristine and achieved remission."
    reports, out = tmp_path / "reports", tmp_path / "out"
    reports.mkdir()
    for name in ("one", "two", "three"):
        (reports / f"{name}.txt").write_text(f"{text} She was patient {name}.", encoding="utf-8")
    with open_store(address, base="https://w3id.org/casekg/id/") as remote:
        x = ox.NamedNode(f"{FOREIGN}#x")
        remote.bulk_load([ox.Quad(x, x, x, ox.NamedNode(FOREIGN))])
        before = remote.graphs()

        def built() -> str:
            return kg("build", reports, "-o", out, env={"KG_STORE": address}).stdout

        assert "3 extracted, 0 unchanged" in built()
        assert len(remote.graphs()) == len(before) + 3
        assert not (out / "store").exists() and (out / "graph.html").is_file()
        (reports / "one.txt").unlink()
        (reports / "two.txt").write_text(f"{text} She is well.", encoding="utf-8")
        assert "1 extracted, 1 unchanged, 0 copies, 2 removed" in built()
        assert {*before} < {*remote.graphs()} and len(remote.graphs()) == len(before) + 2
        assert len(list(remote.quads(FOREIGN))) == 1
        for words in (["stats"], ["validate", address], ["viz", "--no-open", "-o", str(tmp_path / "page.html")]):
            kg(*words, env={"KG_STORE": address})
        with open_store(address, read_only=True) as opened, pytest.raises(StoreError, match="open only to be read"):
            opened.remove(FOREIGN)
        remote.remove(*({*remote.graphs()} - {*before}))


# --- refusals ---------------------------------------------------------------------------------------------------------


@contextmanager
def answering(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """A server that answers every request in that way."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            answer(self)

        def log_message(self, *words: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def refused(status: int, body: str = "", **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body.encode())

    return answer


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (refused(500, "<html><b>Out of\x1b memory.</b>", Content_Type="text/html"), "does not answer as a SPARQL"),
        (refused(200, "hello", Content_Type="text/plain"), "does not answer as a SPARQL"),
        (refused(301, Location="https://example.org/"), "does not answer as a SPARQL"),
        (refused(401, WWW_Authenticate="Basic realm=x"), "refuses this user"),
        (lambda handler: handler.connection.close(), "does not answer"),
    ],
)
def test_what_is_no_store_is_refused(
    answer: Callable[[BaseHTTPRequestHandler], None], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KG_STORE_USER", "me")
    monkeypatch.setenv("KG_STORE_PASSWORD", "hush")
    with answering(answer) as address:
        said = kg("stats", "--store", address, code=2).output
    assert sentence in said and "hush" not in said and len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("http://example.org/ds", "it must begin with https://"),
        ("https://me:hush@example.org/ds", "do not belong into the address"),
        ("https://example.org/ds?query=x", "have no parameters"),
        ("http://127.0.0.1:1", "does not answer"),
        ("https://example.org:port", "no address"),
    ],
)
def test_what_is_no_address_is_refused(address: str, sentence: str) -> None:
    with pytest.raises(StoreError, match=sentence) as error:
        open_store(address)
    assert "hush" not in str(error.value)


def test_a_password_is_shown_only_to_who_asks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A user of the environment or of ~/.netrc, or a token alone."""
    shown: list[str | None] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        shown.append(handler.headers["Authorization"])
        if shown[-1] is None and handler.path != "/query":
            refused(401, WWW_Authenticate="Basic realm=x")(handler)
        else:
            refused(
                200, '{"head":{"vars":["x"]},"results":{"bindings":[]}}', Content_Type="application/sparql-results+json"
            )(handler)

    monkeypatch.delenv("KG_STORE_USER", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password hush\n", encoding="utf-8")
    (tmp_path / ".netrc").chmod(0o600)
    for password in (None, "token"):
        if password:
            monkeypatch.setenv("KG_STORE_PASSWORD", password)
        else:
            monkeypatch.delenv("KG_STORE_PASSWORD", raising=False)
        with answering(answer) as address:
            open_store(address, base="https://example.org/").close()
    assert shown[0] is None and shown.count(None) == 2
    assert {*shown} == {None, "Basic bWU6aHVzaA==", "Bearer token"}
