"""A TCP proxy in this process that cuts, holds and refuses connections."""

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Self, TypeAlias

Change: TypeAlias = Callable[[bytes], bytes]


_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_PING, _ACK = 6, 1


def pings_of(sent: bytes) -> int:
    """How many pings one side of HTTP/2 sends of itself, answers left out.

    Reference: RFC 9113, sections 4.1 and 6.7.
    """
    rest, pings = sent.removeprefix(_PREFACE), 0
    while len(rest) >= 9:  # a frame begins with that many bytes
        length, kind, flags = int.from_bytes(rest[:3]), rest[3], rest[4]
        pings += kind == _PING and not flags & _ACK
        rest = rest[9 + length :]
    return pings


class Proxy:
    """Passes bytes on to `port` until it is told otherwise.

    `on_request` and `on_answer` are called, with this proxy, when bytes come
    from the client or from the server, before they are passed on; what they
    return is passed on in their stead.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self.on_request: Change = lambda data: data
        self.on_answer: Change = lambda data: data
        self.refusing = False
        self._sockets: set[socket.socket] = set()
        self._listener = socket.create_server(("localhost", 0))
        self.target = f"localhost:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Ends all connections at once; new ones are taken."""
        while self._sockets:
            one = self._sockets.pop()
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self.refusing:
                    client.close()
                    continue
                server = socket.create_connection(("localhost", self._port))
                self._sockets |= {client, server}
                for source, sink, asked in (
                    (client, server, True),
                    (server, client, False),
                ):
                    threading.Thread(
                        target=self._pass,
                        args=(source, sink, asked),
                        daemon=True,
                    ).start()

    def _pass(
        self, source: socket.socket, sink: socket.socket, asked: bool
    ) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                change = self.on_request if asked else self.on_answer
                sink.sendall(change(data))
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
