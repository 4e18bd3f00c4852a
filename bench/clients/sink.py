"""A server that takes whatever is shipped to it and counts its lines: ``python -m bench.clients.sink PORT_FILE``.

The count is told by ``GET /``; every POST gets what a Logyard says to ``/ingest``.
"""

import asyncio
import sys
from pathlib import Path

import zstandard

_BODY = 1 << 26


class _Sink:
    def __init__(self) -> None:
        self.lines = 0
        self.bytes = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                sizes = [line for line in head.split(b"\r\n") if line.startswith(b"content-length:")]
                body = await reader.readexactly(int(sizes[0].split(b":")[1])) if sizes else b""
                self.bytes += len(body)
                if b"content-encoding: zstd" in head:
                    body = zstandard.ZstdDecompressor().decompress(body, max_output_size=_BODY)
                self.lines += body.count(b"sequence_id")
                text = b'{"accepted":%d,"lines":%d,"bytes":%d}' % (body.count(b"\n") + 1, self.lines, self.bytes)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


async def main(port_file: Path) -> None:
    """Serve until killed."""
    server = await asyncio.start_server(_Sink().serve, "127.0.0.1", 0, limit=_BODY)
    await asyncio.to_thread(port_file.write_text, str(server.sockets[0].getsockname()[1]))
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
