"""``kg serve`` under load, beside an Oxigraph server on the same data in the same run, and killed under load.

    python benchmarks/serve.py --store out --oxigraph PATH [--clients 50] [--seconds 60]

Every client sends one query after the other, drawn from the same mix: the course of a case, the sentence behind a fact,
and the treatments of a condition. The servers take turns, a slice of time each, so that other work on the machine
disturbs both alike. Both read a copy of one store, and must give as many rows. ``PATH`` is the program ``oxigraph`` (of
the package of that name); without it only ``kg serve`` is measured.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from kg import vocab
from kg.query import filters, question
from kg.store import Store, open_store
from kg.values import Values

SLICE = 10.0  # seconds a server is asked before it is another's turn
CONDITIONS = ["leukemia", "pneumonia", "melanoma", "lymphoma", "anemia", "diabetes mellitus", "sarcoidosis", "epilepsy"]
WEIGHTS = {"timeline": 5, "explain": 4, "treatments": 1}


@dataclass
class Measured:
    """What one server did: seconds a request by kind, how often which status came, and processor time that it used."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in WEIGHTS})
    statuses: Counter[str] = field(default_factory=Counter)
    time: float = 0.0
    used: float = 0.0

    def line(self, kind: str) -> str:
        """Number and percentiles of the requests of one kind, or of all."""
        taken = sorted(s for k, every in self.seconds.items() if kind in {k, "all"} for s in every)
        if len(taken) < 2:
            return f"{len(taken):>9}"
        cuts = statistics.quantiles(taken, n=100)
        shown = "".join(f"{1000 * cut:>10.0f}" for cut in (cuts[49], cuts[94], cuts[98], taken[-1]))
        return f"{len(taken):>9}{len(taken) / self.time:>10.1f}{shown}"


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--store", type=Path, default=Path("out"), help="a folder that kg build wrote")
    options.add_argument("--oxigraph", help="the program oxigraph")
    options.add_argument("--clients", type=int, default=50)
    options.add_argument("--seconds", type=float, default=60, help="of load on each server")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.store) as folder:
        with open_store(chosen.store / "store", read_only=True) as store:
            queries = mix(store)
            store.snapshot(Path(folder) / "oxigraph")
        port = free_port()
        with serving(kg_command(chosen.store, port), port) as server:
            if chosen.oxigraph:
                other = free_port()
                command = [
                    chosen.oxigraph, "serve-read-only", "--location", f"{folder}/oxigraph", "--union-default-graph",
                    "--bind", f"127.0.0.1:{other}",
                ]  # fmt: skip
                with serving(command, other) as oxigraph:
                    compare(queries, {"kg serve": (port, "/sparql"), "oxigraph": (other, "/query")})
                    measured = {"kg serve": Measured(), "oxigraph": Measured()}
                    for _ in range(round(chosen.seconds / SLICE)):
                        load(server, port, "/sparql", queries, chosen.clients, SLICE, measured["kg serve"])
                        load(oxigraph, other, "/query", queries, chosen.clients, SLICE, measured["oxigraph"])
            else:
                measured = {"kg serve": Measured()}
                load(server, port, "/sparql", queries, chosen.clients, chosen.seconds, measured["kg serve"])
            show(measured)
            killed(server, kg_command(chosen.store, port), port, queries, chosen.clients)


def kg_command(store: Path, port: int) -> list[str]:
    """How ``kg serve`` is started."""
    return [sys.executable, "-m", "kg", "serve", "--store", str(store), "--port", str(port)]


def mix(store: Store) -> dict[str, list[str]]:
    """Queries of each kind, bound to cases and facts drawn from the store."""
    chance = random.Random(0)
    reports = chance.sample([g for g in store.graphs() if g.startswith(store.base) and g.endswith("/graph")], 400)
    cases, facts = [], []
    for graph in reports:
        subjects = sorted({str(quad.subject)[1:-1] for quad in store.quads(graph)})
        cases += [s for s in subjects if re.search(r"/case1$", s)]
        facts += [s for s in subjects if re.search(r"/case1/(condition|intervention|outcome)/", s)][:1]
    return {
        "timeline": [bound(store, "timeline", case=case) for case in cases],
        "explain": [bound(store, "explain", fact=fact) for fact in facts],
        "treatments": [bound(store, "treatments", condition=name) for name in CONDITIONS],
    }


def bound(store: Store, name: str, **given: str) -> str:
    """The text of a question with its values."""
    return question(name).bind(given, Values(vocab.load, lambda case: [case], store.base), filters())


def send(connection: http.client.HTTPConnection, path: str, query: str) -> tuple[int, bytes]:
    """Status and body of the answer to one query."""
    headers = {"Content-Type": "application/sparql-query", "Accept": "application/sparql-results+json"}
    connection.request("POST", path, query.encode(), headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


def compare(queries: dict[str, list[str]], servers: dict[str, tuple[int, str]]) -> None:
    """Both servers must give as many rows to the first queries of each kind."""
    for kind, texts in queries.items():
        for text in texts[:8]:
            rows = {}
            for name, (port, path) in servers.items():
                status, body = send(http.client.HTTPConnection("127.0.0.1", port, timeout=120), path, text)
                rows[name] = len(json.loads(body)["results"]["bindings"]) if status == 200 else -status
            assert len(set(rows.values())) == 1, f"{kind}: {rows}"


def load(
    server: subprocess.Popen[bytes],
    port: int,
    path: str,
    queries: dict[str, list[str]],
    clients: int,
    seconds: float,
    into: Measured,
) -> None:
    """Ask with so many clients at once for so long."""
    until = time.monotonic() + seconds

    def client(number: int) -> None:
        chance = random.Random(number + into.time)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        while time.monotonic() < until:
            kind = chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
            begun = time.monotonic()
            try:
                status = str(send(connection, path, chance.choice(queries[kind]))[0])
            except (OSError, http.client.HTTPException) as error:
                status = type(error).__name__
                connection.close()
                time.sleep(0.05)
            into.statuses[status] += 1
            if status == "200":
                into.seconds[kind].append(time.monotonic() - begun)

    begun, used = time.monotonic(), processor(server.pid)
    together(client, clients)
    into.time += time.monotonic() - begun
    into.used += processor(server.pid) - used


def processor(pid: int) -> float:
    """Seconds of processor time that a process and all below it have used; those that have ended do not count."""
    known = {
        int(path.parent.name): path.read_text().rpartition(")")[2].split() for path in Path("/proc").glob("[0-9]*/stat")
    }
    family, grown = {pid}, True
    while grown:
        more = {p for p, fields in known.items() if int(fields[1]) in family} | family
        family, grown = more, len(more) > len(family)
    return sum(int(field) for p in family & known.keys() for field in known[p][11:13]) / os.sysconf("SC_CLK_TCK")


def together(work: Callable[[int], None], count: int) -> None:
    """Do the work in so many threads."""
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def show(measured: dict[str, Measured]) -> None:
    """A table."""
    print(f"{'':24}{'answers':>9}{'per s':>10}{'p50 ms':>10}{'p95':>10}{'p99':>10}{'most':>10}")
    for name, found in measured.items():
        for kind in ("all", *WEIGHTS):
            print(f"{f'{name}, {kind}':24}{found.line(kind)}")
        print(f"{name}: {dict(found.statuses)}, {1000 * found.used / found.statuses['200']:.1f} ms of processor each")


def killed(
    server: subprocess.Popen[bytes], command: list[str], port: int, queries: dict[str, list[str]], clients: int
) -> None:
    """Kill the server under load, start it again, and say how long nothing was answered."""
    found = Measured()
    loading = threading.Thread(target=load, args=(server, port, "/sparql", queries, clients, SLICE, found))
    loading.start()
    time.sleep(SLICE / 3)
    server.kill()
    server.wait()
    begun = time.monotonic()
    with serving(command, port):
        print(f"killed under load: answers again after {time.monotonic() - begun:.1f} s")
        loading.join()
        print(f"requests meanwhile: {dict(found.statuses)}")


@contextmanager
def serving(command: list[str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A server, from when it answers on."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            while True:
                assert server.poll() is None, f"{command[0]} did not start"
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                    break
                except OSError:
                    time.sleep(0.05)
            yield server
        finally:
            server.terminate()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


if __name__ == "__main__":
    main()
