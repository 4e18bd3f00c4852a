"""A line between Logyard and a server that loses answers: what was asked is done, and nobody hears of it."""

import contextlib
import socket
import threading
from typing import Final, Self

_BLOCK: Final = 1 << 16
_INSERT: Final = b"INSERT+INTO+logs"
"""In the address of a request that carries records."""


class Proxy:
    """Passes everything on, until it is told to lose the answers to inserts."""

    def __init__(self, address: str) -> None:
        """In front of the server at ``HOST:PORT``."""
        host, _, port = address.partition(":")
        self._target = (host, int(port))
        self._lose = 0
        self.lost = 0
        """Answers that the server gave and nobody got."""
        self.holding = threading.Event()
        """Set while an answer is held back."""
        self._released = threading.Event()
        self._released.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            connection.close()

    def lose(self, answers: int) -> None:
        """Cut the connection where the next so many answers to inserts should have come."""
        self._lose = answers

    def hold(self) -> None:
        """Keep the answers to inserts back; the connections stay."""
        self._released.clear()

    def release(self) -> None:
        """From now on answers are passed on; those that were held are lost."""
        self._released.set()
        self.holding.clear()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self._target)
        except OSError:
            client.close()
            return
        self._open += [client, server]
        asked = _Asked()
        forth = threading.Thread(target=self._forth, args=(client, server, asked), daemon=True)
        forth.start()
        self._back(server, client, asked)
        for end in (client, server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        forth.join()
        client.close()
        server.close()

    def _forth(self, client: socket.socket, server: socket.socket, asked: "_Asked") -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(_BLOCK):
                asked.see(data)
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)

    def _back(self, server: socket.socket, client: socket.socket, asked: "_Asked") -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(_BLOCK):
                if asked.insert and self._keeps():
                    return
                client.sendall(data)

    def _keeps(self) -> bool:
        """Whether the answer that has just come is lost."""
        if not self._released.is_set():
            self.lost += 1
            self.holding.set()
            self._released.wait()
            return True
        if self._lose:
            self._lose -= 1
            self.lost += 1
            return True
        return False


class _Asked:
    """What the last request on a connection was."""

    insert = False

    def see(self, data: bytes) -> None:
        """A piece of what the client says: a request begins with its method."""
        if data.startswith(b"POST "):
            self.insert = _INSERT in data[:_BLOCK]
