"""The server against those who mean it no good: bombs, floods, dawdlers, forged requests, hidden keywords."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import pyoxigraph as ox
import pytest

from kg.serve.access import COOKIE, Access
from kg.serve.limits import Limits
from kg.serve.service import Service
from kg.serve.tokens import mentions, with_dataset
from kg.store import open_store
from tests.served import serving

TOKEN = "for-tests-only"
EDITOR = {"authorization": f"Bearer {TOKEN}"}
LIMITS = Limits(
    seconds=5, patience=0.5, quick=2, long=1, slow=2, waiting=8, memory=300 << 20, result=150_000, body=10_000,
    upload=50_000, leaving=300_000, arrival=1, departure=1, connections=40,
)  # fmt: skip
BOMB = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l . ?m ?n ?o }"

FORTY = " ".join(map(str, range(40)))
COUNTING = f"SELECT (COUNT(*) AS ?n) {{ {' '.join(f'VALUES ?v{n} {{ {FORTY} }}' for n in range(8))} }}"

HEAD = (
    b"POST /sparql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/sparql-query\r\nContent-Length: %d\r\n\r\n"
)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    path = tmp_path_factory.mktemp("fortress") / "store"
    with open_store(path) as store:
        node = ox.NamedNode
        store.bulk_load(
            ox.Quad(node(f"http://e/{n}"), node("http://e/p"), ox.Literal("x" * 100), node("http://e/g"))
            for n in range(1500)
        )
    with serving(Service(path, Access(TOKEN), LIMITS)) as client:
        yield client


def ask(client: httpx.Client, query: str) -> httpx.Response:
    return client.post("/sparql", content=query, headers={"content-type": "application/sparql-query"})


def quickly(client: httpx.Client) -> float:
    """How long an easy query takes, in seconds, for a client that tries again when it is told to."""
    begun = time.monotonic()
    while (status := ask(client, "ASK {}").status_code) == 503 and time.monotonic() - begun < 3 * LIMITS.seconds:
        time.sleep(0.1)
    assert status == 200
    return time.monotonic() - begun


def test_slow_queries_hold_up_nobody_and_too_many_are_turned_away(client: httpx.Client) -> None:
    begun = time.monotonic()
    with ThreadPoolExecutor(6) as pool:
        bombs = [pool.submit(ask, client, BOMB) for _ in range(6)]
        time.sleep(0.2)
        waits = [quickly(client) for _ in range(5)]
        statuses = sorted(bomb.result().status_code for bomb in bombs)
        refused = [bomb.result() for bomb in bombs if bomb.result().status_code == 503]
    assert max(waits) < 3 * LIMITS.seconds  # on a machine with nothing else to do, under two seconds
    assert time.monotonic() - begun < 6 * LIMITS.seconds
    assert set(statuses) == {503, 504}  # 503 for what turned out slow while the slow places were taken
    assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)


def test_the_work_of_who_goes_away_is_stopped(client: httpx.Client) -> None:
    for _ in range(3):  # more than there are places for slow work
        with pytest.raises(httpx.ReadTimeout):
            client.get("/sparql", params={"query": BOMB}, timeout=1)
    with pytest.raises(httpx.ReadTimeout):  # it is worked on, not refused
        client.get("/sparql", params={"query": BOMB}, timeout=1)


@pytest.mark.parametrize(
    "bomb",
    [
        "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i } ORDER BY ?a ?d ?g",
        "SELECT (GROUP_CONCAT(?c) AS ?x) { ?a ?b ?c . ?d ?e ?f }",
    ],
)
def test_memory_has_a_limit(client: httpx.Client, bomb: str) -> None:
    answer = ask(client, bomb)
    assert answer.status_code in {403, 500, 503, 504}
    quickly(client)


@pytest.mark.parametrize("depth", [100, 4000])
def test_nesting_breaks_one_worker_at_most(client: httpx.Client, depth: int) -> None:
    answer = ask(client, f"ASK {{ FILTER({'(' * depth}1{')' * depth}) }}")
    assert answer.status_code in {200, 400, 500, 503, 504}
    answer = ask(client, f"ASK {'{' * depth}{'}' * depth}")
    assert answer.status_code in {200, 400, 500, 503, 504}
    quickly(client)


def test_who_goes_away_at_once_leaves_nothing(client: httpx.Client) -> None:
    query = BOMB.encode()
    before = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").is_dir() else 0
    for _ in range(60):
        with raw(client) as connection:
            connection.sendall(HEAD % len(query) + query)
            connection.shutdown(socket.SHUT_WR)
    quickly(client)
    if before:
        assert len(list(Path("/proc/self/fd").iterdir())) < before + 40  # a worker has four open files


def test_an_answer_has_a_limit(client: httpx.Client) -> None:
    answer = ask(client, "SELECT * { ?s ?p ?o . ?a ?b ?c }")
    assert answer.status_code == 403 and "LIMIT" in answer.text
    assert ask(client, "CONSTRUCT { ?s ?p ?a } WHERE { ?s ?p ?o . ?a ?b ?c }").status_code == 403
    assert client.get("/data?graph=http://e/g", headers={"accept": "application/n-triples"}).status_code == 403


def test_a_body_has_a_limit_and_a_larger_one_for_who_may_edit(client: httpx.Client) -> None:
    def padded(size: int) -> str:
        return "ASK {} #" + "x" * (size - 8)

    assert ask(client, padded(LIMITS.body)).status_code == 200
    refused = ask(client, padded(LIMITS.body + 1))
    assert refused.status_code == 413 and refused.headers["connection"] == "close"
    edit = {**EDITOR, "content-type": "application/sparql-query"}
    assert client.post("/sparql", content=padded(LIMITS.upload), headers=edit).status_code == 200
    assert client.post("/sparql", content=padded(LIMITS.upload + 1), headers=edit).status_code == 413
    pieces = (b"x" * 1000 for _ in range(100))  # of unknown length
    sent = client.post("/sparql", content=pieces, headers={"content-type": "application/sparql-query"})
    assert sent.status_code == 413


def test_a_header_has_a_limit(client: httpx.Client) -> None:
    with suppress(httpx.ReadError, httpx.WriteError):  # it may hang up before all of it is sent
        assert client.get("/sparql", headers={"x": "x" * 500_000}).status_code == 400
    quickly(client)


def raw(client: httpx.Client) -> socket.socket:
    return socket.create_connection((client.base_url.host, client.base_url.port or 80), timeout=10)


def test_an_address_that_is_no_iri_is_refused(client: httpx.Client) -> None:
    for line in (b"GET /sparql?query=ASK{}#> HTTP/1.1", b"PUT /data/%3E HTTP/1.1", b"GET /data/a%00%3E HTTP/1.1"):
        with raw(client) as connection:
            connection.sendall(line + b"\r\nHost: localhost\r\nAuthorization: Bearer " + TOKEN.encode() + b"\r\n\r\n")
            assert connection.recv(100).split()[1] in {b"200", b"400", b"404", b"415"}, line


@pytest.mark.parametrize("sent", [b"", b"GET /sparql HTTP/1.1\r\nHost: localhost\r\nX-Slow: "])
def test_who_does_not_finish_a_header_is_given_up(client: httpx.Client, sent: bytes) -> None:
    with raw(client) as connection:
        connection.sendall(sent)
        begun = time.monotonic()
        with suppress(ConnectionResetError):
            assert not connection.recv(1000)
        assert time.monotonic() - begun < 8


def test_who_does_not_finish_a_body_is_given_up(client: httpx.Client) -> None:
    with raw(client) as connection:
        connection.sendall(
            b"POST /sparql HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
            b"Content-Type: application/sparql-query\r\n\r\nASK"
        )
        assert b" 408 " in connection.recv(1000)


def test_who_does_not_take_the_answer_is_given_up(client: httpx.Client) -> None:
    query = b"SELECT * { ?s ?p ?o } LIMIT 500"
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.connect((client.base_url.host, client.base_url.port or 80))
        for _ in range(300):  # pipelined, until all buffers on the way are full
            connection.sendall(HEAD % len(query) + query)
        time.sleep(LIMITS.departure + 1)
        taken = b""
        connection.settimeout(10)
        with suppress(ConnectionResetError):
            while piece := connection.recv(1 << 20):
                taken += piece
    assert 0 < taken.count(b"HTTP/1.1 200 OK") < 300  # what the system had taken over already is still delivered
    quickly(client)


def test_idle_connections_shut_nobody_out_for_long(client: httpx.Client) -> None:
    idle = [raw(client) for _ in range(LIMITS.connections + 5)]
    time.sleep(LIMITS.arrival + 1)
    quickly(client)
    for connection in idle:
        connection.close()


def test_only_names_of_loopback_are_answered(client: httpx.Client) -> None:
    assert client.get("/sparql", headers={"host": "rebound.example"}).status_code == 421
    for host in ("localhost", "localhost:1", "127.0.0.1", "[::1]:80"):
        assert client.get("/sparql", headers={"host": host}).status_code == 200


def test_every_answer_has_the_headers_that_protect_a_reader(client: httpx.Client) -> None:
    for answer in (client.get("/"), client.get("/none"), client.get("/sparql?query=x"), ask(client, "x" * 20_000)):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "server" not in answer.headers


def test_pages_from_elsewhere_may_read_and_no_more(client: httpx.Client, tmp_path: Path) -> None:
    origin = {"origin": "https://elsewhere.example"}
    assert client.get("/sparql?query=ASK{}", headers=origin).headers["access-control-allow-origin"] == "*"
    asked = {**origin, "access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    assert client.options("/sparql", headers=asked).status_code == 400
    asked = {**origin, "access-control-request-method": "PUT"}
    assert client.options("/data", headers=asked).status_code == 400
    open_store(tmp_path / "store").close()
    with serving(Service(tmp_path / "store", cors=False)) as closed:
        assert "access-control-allow-origin" not in closed.get("/sparql", headers=origin).headers


def test_a_session_needs_the_token_and_a_page_of_this_server(tmp_path: Path) -> None:
    open_store(tmp_path / "store").close()
    access = Access(TOKEN)
    with serving(Service(tmp_path / "store", access)) as client:
        session = access.sign_in(TOKEN)
        update = {"update": "CLEAR ALL"}
        here = str(client.base_url).rstrip("/")

        def status(**headers: str) -> int:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return client.post("/sparql", data=update, headers=named).status_code

        assert status() == 401
        assert status(cookie=f"{COOKIE}=guess", origin=here) == 401
        assert status(cookie=f"{COOKIE}={session}") == 403
        assert status(cookie=f"{COOKIE}={session}", origin="https://elsewhere.example") == 403
        assert status(cookie=f"{COOKIE}={session}", sec_fetch_site="cross-site", origin=here) == 403
        assert status(cookie=f"{COOKIE}={session}", origin=here) == 204
        assert status(cookie=f"{COOKIE}={session}", sec_fetch_site="same-origin") == 204
        assert status(authorization=f"Bearer {TOKEN}") == 204
        assert status(authorization=f"Bearer {TOKEN}x") == 401
        assert status(authorization=TOKEN) == 401
        assert client.post(f"/sparql?token={TOKEN}&access_token={TOKEN}", data=update).status_code == 401
    with serving(Service(tmp_path / "store")) as client:
        assert client.post("/sparql", data=update, headers=EDITOR).status_code == 403


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static//etc/passwd", "/static/%00"]
)
def test_no_path_leads_out(client: httpx.Client, path: str) -> None:
    with raw(client) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert b" 404 " in answer.splitlines()[0]
    assert b"import" not in answer and b"root:" not in answer


HIDDEN = [
    "SELECT * { SERVICE <%s> { ?s ?p ?o } }",
    "SELECT * { SERVICE SILENT <%s> { ?s ?p ?o } }",
    "SELECT * { sErViCe<%s>{} }",
    "SELECT * { ?s ?p 1SERVICE<%s>{} }",
    "SELECT * { ?s ?p 1.SERVICE<%s>{} }",
    "SELECT * { VALUES ?s { 1 } BIND(1e5 AS ?x) FILTER(true) SERVICE<%s>{} }",
    "SELECT * { { ?s ?p 1e5SERVICE<%s>{} } UNION {} }",
    "SELECT * { { ?s ?p trueSERVICE<%s>{} } UNION {} }",
    "ASK { FILTER(1<'>') SERVICE <%s> {} FILTER(2='') }",
    "ASK { FILTER(?a<#>'''\n 3) SERVICE <%s> {} #'''\n }",
    "PREFIX : <%s> SELECT * { SERVICE:x {} }",
    "PREFIX e: <%s> SELECT * { SERVICE e: {} }",
    "PREFIX e: <http://e/> SELECT * { ?s e:p e:o.SERVICE<%s>{} }",
    "SELECT * { ?s ?p _:b.SERVICE<%s>{} }",
    "SELECT * { VALUES ?s { <%s> } SERVICE ?s {} }",
    'SELECT * { VALUES ?s {""" "#\\q\n} SERVICE <%s> {} #"""\n }',
    "SELECT * { SERVICE#\n<%s> {} }",
    'SELECT * { ?s ?p "\\"" . SERVICE <%s> {} . ?s ?p "" }',
    'SELECT * { ?s ?p """\\"""" . SERVICE <%s> {} . ?s ?p """""" }',
    "SELECT * { OPTIONAL { SERVICE <%s> {} } }",
    "SELECT * { FILTER EXISTS { SERVICE <%s> {} } }",
    "SELECT * { ?s (<http://e/p>|<http://e/it's>) ?o SERVICE <%s> {} FILTER('a'='b') }",
]


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[tuple[str, list[object]]]:
    """The address of another server, and who has come to it."""
    came: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def wait() -> None:
            while True:
                try:
                    connection, who = listener.accept()
                except OSError:
                    return
                came.append(who)
                connection.close()

        threading.Thread(target=wait, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/", came
        listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("query", HIDDEN)
def test_no_query_asks_elsewhere(client: httpx.Client, elsewhere: tuple[str, list[object]], query: str) -> None:
    address, came = elsewhere
    assert ask(client, query % address).status_code in {400, 403}
    update = f"INSERT {{}} {query % address}".replace("SELECT *", "WHERE").replace("ASK", "WHERE")
    for text in (update, f"LOAD <{address}>", f"LOAD SILENT <{address}> INTO GRAPH <http://e/x>", f"loAd<{address}>"):
        answer = client.post("/sparql", content=text, headers={**EDITOR, "content-type": "application/sparql-update"})
        assert answer.status_code in {400, 403}
    assert not came


@pytest.mark.parametrize(
    "query",
    [
        'ASK { ?s ?p "emergency service" }', "ASK { ?s ?p 'service' } # SERVICE",
        "ASK { ?service <http://e/service> 1 }",
        "PREFIX sd: <http://www.w3.org/ns/sparql-service-description#> ASK { ?s sd:endpoint 1 }",
        'ASK { ?s ?p """service "service" service""" }', "PREFIX e: <http://e/> ASK { ?s e:service 1 }",
        "PREFIX e: <http://e/ns#> ASK { ?s e:p 'service' }",
    ],
)  # fmt: skip
def test_the_word_alone_is_no_reason_to_refuse(client: httpx.Client, query: str) -> None:
    assert not mentions(query, "service")
    assert ask(client, query).status_code == 200


def test_a_dataset_is_put_where_an_update_looks() -> None:
    given = with_dataset(
        "DELETE { ?s ?p 'WHERE' } # WHERE\n INSERT { GRAPH <x> { ?s ?p 1 } } WHERE { { ?s ?p ?o } } ; "
        "DELETE WHERE { ?a ?b ?c } ; INSERT DATA { <a> <WHERE> 1 }",
        ["<d>"], ["<n>"],
    )  # fmt: skip
    assert given == (
        "DELETE { ?s ?p 'WHERE' } # WHERE\n INSERT { GRAPH <x> { ?s ?p 1 } } "
        "USING <d> USING NAMED <n> WHERE { { ?s ?p ?o } } ; "
        "DELETE  { ?a ?b ?c } USING <d> USING NAMED <n> WHERE  { ?a ?b ?c } ; INSERT DATA { <a> <WHERE> 1 }"
    )


SERVER = """
import sys
from pathlib import Path

if __name__ == "__main__":
    from kg.serve.access import Access
    from kg.serve.limits import Limits
    from kg.serve.listener import listen
    from kg.serve.service import Service

    service = Service(Path(sys.argv[1]), Access("t"), Limits(quick=1))
    listen(service, "127.0.0.1", 0, tell=lambda words: print(words, flush=True))
"""


def test_a_killed_server_leaves_a_store_that_the_next_one_serves(tmp_path: Path) -> None:
    open_store(tmp_path / "store").close()
    script = tmp_path / "server.py"
    script.write_text(SERVER, encoding="utf-8")
    edit = {"authorization": "Bearer t"}
    for stored in range(2):
        command = [sys.executable, str(script), str(tmp_path / "store")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout is not None
                address = server.stdout.readline().split(" at ")[1].split()[0]
                with httpx.Client(base_url=address, timeout=30) as client:
                    counted = client.get("/sparql?query=SELECT ?s { GRAPH ?g { ?s ?p ?o } }").json()
                    assert len(counted["results"]["bindings"]) == stored
                    update = {"update": f"INSERT DATA {{ GRAPH <g> {{ <s{stored}> <p> 1 }} }}"}
                    assert client.post("/sparql", data=update, headers=edit).status_code == 204
                    with pytest.raises(httpx.ReadTimeout):
                        client.get("/sparql", params={"query": COUNTING}, timeout=0.2)
                    assert len([p for p in tmp_path.iterdir() if p.name.startswith(".serve-")]) == 1
            finally:
                os.kill(server.pid, signal.SIGKILL)
