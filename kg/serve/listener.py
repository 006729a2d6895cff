"""The server itself: uvicorn on one address, with limits for a connection."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from kg.errors import ServeError
from kg.serve.app import application
from kg.serve.limits import Limits
from kg.serve.service import Service

__all__ = ["configured", "listen"]


def listen(service: Service, host: str, port: int, *, tell: Callable[[str], None]) -> None:
    """Serve until the process is told to end; ``tell`` hears the address. ServeError if it cannot be had."""
    try:
        bound = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        service.snapshots.close()
        reason = str(error.strerror or error).partition(" (while")[0]
        raise ServeError(f"{host} port {port} cannot be listened on: {reason}.") from error
    with bound:
        name = f"[{host}]" if ":" in host else host
        tell(f"Serving {service.store} at http://{name}:{bound.getsockname()[1]}/ until Ctrl-C.")
        asyncio.run(uvicorn.Server(configured(service, host, port)).serve([bound]))


def configured(service: Service, host: str, port: int) -> uvicorn.Config:
    """How uvicorn is to serve this. On loopback only requests for a name of loopback are answered."""
    limits = service.limits
    return uvicorn.Config(
        application(service, {host, "localhost", "127.0.0.1", "::1"} if _loopback(host) else ()),
        host=host,
        port=port,
        http=_timed(limits),
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="error",  # who sends nonsense writes nothing here
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=limits.connections,
        h11_max_incomplete_event_size=limits.header,
        timeout_graceful_shutdown=5,
    )


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _timed(limits: Limits) -> type[H11Protocol]:
    """uvicorn's protocol, which gives up a client that takes too long to ask or to take its answer."""

    class Timed(H11Protocol):
        _asking: asyncio.TimerHandle | None = None
        _taking: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._time_header()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._time_header()

        def pause_writing(self) -> None:
            super().pause_writing()
            if self._taking is None:
                self._taking = self.loop.call_later(limits.departure, self._give_up)

        def on_response_complete(self) -> None:
            if self._taking:
                self._taking.cancel()
                self._taking = None
            if self.transport.get_write_buffer_size():
                self._taking = self.loop.call_later(limits.departure, self._give_up)
            super().on_response_complete()

        def connection_lost(self, exc: Exception | None) -> None:
            for timer in (self._asking, self._taking):
                if timer:
                    timer.cancel()
            super().connection_lost(exc)

        def _time_header(self) -> None:
            """Start the clock when a header begins, from the connection on for its first; stop it when it is there."""
            waits = self.cycle is None or self.cycle.response_complete
            if waits and self._asking is None:
                self._asking = self.loop.call_later(limits.arrival, self.transport.abort)
            elif not waits and self._asking:
                self._asking.cancel()
                self._asking = None

        def _give_up(self) -> None:
            if self.transport.get_write_buffer_size():
                self.transport.abort()

    return Timed
