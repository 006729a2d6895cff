"""Malformed requests of every kind against ``kg serve``: does it stay up, answer others, keep its limits, ask nobody?

    python benchmarks/fuzz_serve.py --store out --seconds 600

Requests are made from good ones: cut, doubled, with bytes changed, with pieces of others put in. Fails, and says why,
if the server ends, answers an easy query no more, answers with a status of 500, or asks another server. Prints how
often which status came, and the server's open files and memory.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote_plus

ROOT = Path(__file__).parents[1]
TOKEN = "for-fuzzing-only"
THREADS = 8
_READ, _HALF_CLOSED, _GONE = range(3)  # how a client waits for its answer
METHODS = [b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"TRACE", b"CONNECT", b"get", b"G\0T"]
PATHS = [
    b"/",
    b"/sparql",
    b"/data",
    b"/data?default",
    b"/data?graph=http://e/g",
    b"/data/x",
    b"/.well-known/void",
    b"/static/serve.css",
    b"/static/../app.py",
    b"/static/%2e%2e/app.py",
    b"//sparql",
    b"/%00",
    b"*",
    b"http://other.example/sparql",
    b"/sparql?%",
    b"",
]
TYPES = [
    b"application/sparql-query",
    b"application/sparql-update",
    b"application/x-www-form-urlencoded",
    b"text/turtle",
    b"application/n-quads",
    b"application/ld+json",
    b"application/rdf+xml",
    b"multipart/form-data; boundary=x",
    b"text/plain",
    b"application/sparql-query; charset=utf-16",
    b"a",
    b"/",
    b";;;",
    b"\xff",
    b'application/sparql-query; charset="',
]
HEADERS = [
    b"Accept: */*",
    b"Accept: text/turtle;q=nan",
    b"Accept: ,,;q",
    b"Accept: application/sparql-results+xml",
    b"Accept: \xff",
    b"Accept-Encoding: gzip",
    b"Expect: 100-continue",
    b"Connection: upgrade\r\nUpgrade: websocket",
    b"Connection: close",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: gzip, chunked",
    b"Content-Length: -1",
    b"Content-Length: 99999999999999999999",
    b"Content-Length: 5\r\nContent-Length: 6",
    b'Cookie: kg-session="; =;;',
    b"Authorization: Bearer",
    b"Authorization: Bearer \xff",
    b"Authorization: Bearer " + TOKEN.encode(),
    b"Origin: null",
    b"Range: bytes=9-1",
    b"If-None-Match: *",
    b"X: " + b"x" * 70_000,
    b"Host: other.example",
    b"Host: ",
    b"Host: [",
    b": x",
    b"X\0: y",
    b" folded: x",
]
PIECES = [
    b"SERVICE <TRAP> { ?s ?p ?o }",
    b"LOAD <TRAP>",
    b"1<'>'",
    b"'''",
    b'"""',
    b"#",
    b"\n",
    b"{",
    b"}",
    b"(",
    b")",
    b"<",
    b">",
    b"\\u0053",
    b"\\q",
    b"?a",
    b"<#>",
    b"'",
    b'"',
    b";",
    b".",
    b"FROM <TRAP>",
    b"USING <x>",
    b"WITH <TRAP>",
    b"PREFIX : <TRAP>",
    b"SERVICE:x{}",
    b"SERVICE",
    b"SILENT",
    b"UNION",
    b"GROUP BY ?a",
    b"1e5",
    b"true",
    b"_:b.",
    b"@en",
    b"\xff\xfe",
    b"\0",
    b"\xc2\xa0",
    b"DELETE WHERE",
    b"INSERT DATA",
    b"SELECT *",
    b"ASK",
    b"CONSTRUCT",
    b"DESCRIBE",
    b"VALUES ?s",
    b"{" * 500,
    b"(" * 3000,
    b"?s ?p ?o . ?a ?b ?c . ?d ?e ?f .",
]


BODIES = [
    b"<a> <b> <c> .",
    b'{"@id": "x", "@context": "TRAP"}',
    b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>",
]


def main() -> int:
    """Fuzz, print what came of it; 1 if the server failed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--store", type=Path, default=Path("out"), help="a folder that kg build wrote; it is changed")
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args()
    queries = [path.read_bytes() for path in sorted((ROOT / "queries").rglob("*.rq"))]
    trapped: list[object] = []
    statuses: Counter[str] = Counter()
    faults: list[str] = []
    environment = {**os.environ, "KG_TOKEN": TOKEN}
    command = [sys.executable, "-m", "kg", "serve", "--store", str(chosen.store), "--port", "0", "--edit"]
    with (
        socket.create_server(("127.0.0.1", 0)) as trap,
        subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as server,
    ):
        assert server.stderr is not None
        first = re.search(r":(\d+)/", server.stderr.readline())
        assert first, "the server did not start"
        port = int(first[1])
        said: list[str] = []
        for watch, arguments in ((_listen, (trap, trapped)), (_read, (server.stderr, said))):
            threading.Thread(target=watch, args=arguments, daemon=True).start()
        until = time.monotonic() + chosen.seconds
        address = f"http://127.0.0.1:{trap.getsockname()[1]}/".encode()
        workers = [
            threading.Thread(
                target=_attack, args=(random.Random(chosen.seed + n), port, address, queries, until, statuses, faults)
            )
            for n in range(THREADS)
        ]
        for worker in workers:
            worker.start()
        while time.monotonic() < until and server.poll() is None and not faults:
            time.sleep(5)
            if not _answers(port):
                faults.append("an easy query was not answered")
        for worker in workers:
            worker.join()
        if server.poll() is not None:
            faults.append(f"the server ended with {server.returncode}")
        if trapped:
            faults.append(f"the server asked another {len(trapped)} times")
        print(f"{sum(statuses.values())} requests: " + ", ".join(f"{s} {n}" for s, n in sorted(statuses.items())))
        if server.poll() is None:
            print(f"open files {len(list(Path(f'/proc/{server.pid}/fd').iterdir()))}, memory {_memory(server.pid)} MiB")
            server.terminate()
        print(f"{len(said)} lines said", *said[-30:], sep="\n")
        if any(TOKEN in line for line in said):
            faults.append("the token was logged")
    for fault in faults:
        print(f"FAULT: {fault}")
    return bool(faults)


def _attack(
    chance: random.Random, port: int, trap: bytes, queries: Sequence[bytes], until: float, statuses: Counter[str],
    faults: list[str],
) -> None:  # fmt: skip
    """Send one request after the other."""
    while time.monotonic() < until and not faults:
        request = _request(chance, queries).replace(b"TRAP", trap)
        answer = _exchange(port, request, chance.choice((_READ, _READ, _READ, _HALF_CLOSED, _GONE)), 2)
        status = (
            answer[9:12].decode("latin-1") if answer.startswith(b"HTTP/1.1 ") else ("none" if not answer else "odd")
        )
        statuses[status] += 1
        if status in {"500", "odd"}:
            faults.append(f"{request[:2000]!r} was answered with {answer[:500]!r}")


def _request(chance: random.Random, queries: Sequence[bytes]) -> bytes:
    """A request with something wrong."""
    text = _mixed(chance, chance.choice(queries))
    kind = chance.random()
    method, path, body = chance.choice(METHODS), chance.choice(PATHS), b""
    headers = [b"Host: localhost", *chance.sample(HEADERS, chance.choice((0, 0, 1, 3)))]
    if kind < 0.4:
        method, path, body = b"POST", b"/sparql", text
        headers.append(b"Content-Type: " + chance.choice(TYPES[:2]))
    elif kind < 0.5:
        method, path = b"GET", b"/sparql?query=" + quote_plus(text).encode()
    elif kind < 0.6:
        body = chance.choice((b"query=", b"update=")) + quote_plus(text).encode()
        method, path, headers = b"POST", b"/sparql", [*headers, b"Content-Type: " + TYPES[2]]
    elif kind < 0.7:
        body = chance.choice(
            (
                text,
                b"<a> <b> <c> .",
                b'{"@id": "x"}',
                b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>",
            )
        )
        method, path = b"PUT", chance.choice(PATHS[2:6])
        headers += [b"Content-Type: " + chance.choice(TYPES), b"Authorization: Bearer " + TOKEN.encode()]
    else:
        headers.append(b"Content-Type: " + chance.choice(TYPES))
        body = chance.choice((b"", text))
    if body and chance.random() < 0.95:
        headers.append(b"Content-Length: %d" % (len(body) + chance.choice((0, 0, 0, 0, 0, -1, 1, 1000))))
    request = method + b" " + path + b" HTTP/1.1\r\n" + b"".join(h + b"\r\n" for h in headers) + b"\r\n" + body
    return _mixed(chance, request) if chance.random() < 0.2 else request


def _mixed(chance: random.Random, text: bytes) -> bytes:
    """A text with pieces put in, cut out, doubled and changed."""
    for _ in range(chance.choice((0, 1, 1, 2, 5))):
        start = chance.randrange(len(text) + 1)
        end = min(len(text), start + chance.choice((0, 0, 1, 10, 100)))
        piece = chance.choice((chance.choice(PIECES), text[start:end] * 2, bytes([chance.randrange(256)]), b""))
        text = text[:start] + piece + text[end:]
    return text


def _exchange(port: int, request: bytes, manner: int = _READ, seconds: float = 60) -> bytes:
    """Send a request and read the beginning of its answer, if the manner is to wait for one."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
            connection.sendall(request)
            if manner == _GONE:
                return b""
            if manner == _HALF_CLOSED:
                connection.shutdown(socket.SHUT_WR)
            return connection.recv(65536)
    except OSError:
        return b""


def _answers(port: int) -> bool:
    """Whether an easy query is answered, after some trials if the server is busy."""
    request = b"GET /sparql?query=ASK%7B%7D HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    for _ in range(10):
        if b" 200 " in _exchange(port, request)[:20]:
            return True
        time.sleep(2)
    return False


def _listen(trap: socket.socket, trapped: list[object]) -> None:
    while True:
        try:
            connection, who = trap.accept()
        except OSError:
            return
        trapped.append(who)
        connection.close()


def _read(stream: Sequence[str], said: list[str]) -> None:
    said.extend(stream)


def _memory(process: int) -> int:
    """Resident memory, in MiB."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") >> 20


if __name__ == "__main__":
    sys.exit(main())
