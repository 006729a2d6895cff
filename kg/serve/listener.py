"""The server itself: uvicorn on one address, with limits for a connection."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import uvicorn

from kg.errors import ServeError
from kg.serve.app import application
from kg.serve.service import Service

__all__ = ["configured", "listen"]


def listen(service: Service, host: str, port: int, *, tell: Callable[[str], None]) -> None:
    """Serve until the process is told to end; ``tell`` hears the address. ServeError if it cannot be had."""
    try:
        bound = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        service.snapshots.close()
        raise ServeError(f"{host} port {port} cannot be listened on: {error.strerror or error}.") from error
    with bound:
        name = f"[{host}]" if ":" in host else host
        tell(f"Serving {service.store} at http://{name}:{bound.getsockname()[1]}/ until Ctrl-C.")
        asyncio.run(uvicorn.Server(configured(service, host, port)).serve([bound]))


def configured(service: Service, host: str, port: int) -> uvicorn.Config:
    """How uvicorn is to serve this."""
    limits = service.limits
    return uvicorn.Config(
        application(service),
        host=host,
        port=port,
        http="h11",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=limits.connections,
        h11_max_incomplete_event_size=limits.header,
        timeout_graceful_shutdown=5,
    )
