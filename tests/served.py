"""A server on loopback for tests: ``kg.serve`` in a thread of this process, its workers in processes of their own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn

from kg.serve.listener import configured
from kg.serve.service import Service

__all__ = ["serving"]


@contextmanager
def serving(service: Service) -> Iterator[httpx.Client]:
    """A client of a server of this service, on a free port of loopback."""
    server = uvicorn.Server(configured(service, "127.0.0.1", 0))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            thread.join(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()
