"""Answers scrapes of Prometheus while a live session goes on."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import TCPServer, ThreadingMixIn
from threading import Lock, Thread
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from dpdlab.cli.diagnostics import UsageError
from dpdlab.cli.metrics import Meter

MOST_CLIENTS: Final = 16
_CLIENT_S: Final = 5.0
_POLL_S: Final = 0.05


@contextmanager
def served(host: str, port: int) -> Iterator[tuple[Meter, int]]:
    """A meter that answers there, and its port; `port` 0 takes any that is free.

    At the end no socket and no thread is left. Raises UsageError where nothing can listen there.
    """
    meter = Meter()
    server = _listening(meter, host, port)
    thread = Thread(
        target=server.serve_forever, args=(_POLL_S,), name="dpdlab-metrics", daemon=True
    )
    thread.start()
    try:
        yield meter, server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Scraped(Collector):
    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def collect(self) -> Iterator[Metric]:
        return self._meter.metrics()


class _Handler(WSGIRequestHandler):
    timeout = _CLIENT_S

    def log_message(self, format: str, *args: Any) -> None:
        """A scrape is nothing to tell anybody."""


class _Server(ThreadingMixIn, WSGIServer):
    """A thread a client, a bounded number of them; those that idle are cut off at the end."""

    daemon_threads = False  # joined when it is closed
    allow_reuse_address = True

    def __init__(self, family: int, address: tuple[Any, ...]) -> None:
        self.address_family = family
        self._clients: set[socket.socket] = set()
        self._lock = Lock()
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        # HTTPServer's own looks the name of the host up, which may take long.
        TCPServer.server_bind(self)
        self.server_name = str(self.server_address[0])
        self.server_port = int(self.server_address[1])
        self.setup_environ()

    def verify_request(self, request: Any, client_address: Any) -> bool:
        with self._lock:
            if len(self._clients) >= MOST_CLIENTS:
                return False
            self._clients.add(request)
            return True

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._clients.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves early is none."""

    def server_close(self) -> None:
        with self._lock:
            for client in self._clients:
                with suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)
        super().server_close()


def _listening(meter: Meter, host: str, port: int) -> _Server:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Scraped(meter))
    shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        server = _Server(found[0][0], found[0][4])
    except OSError as error:
        hint = "ports below 1024 are for root" if isinstance(error, PermissionError) else ""
        message = f"--metrics cannot listen on {shown}: {error.strerror or error}"
        raise UsageError(message, hint) from error
    server.set_app(make_wsgi_app(registry))
    return server
