"""A web server of the studio, for this machine."""

import functools
import gzip
import http.server
import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_COMPRESSED = (".html", ".js", ".css", ".json", ".wasm", ".tflite")
_HEADERS = {
    # Isolated, a page may use threads.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cache-Control": "no-cache",
}


def serve(folder: Path, port: int) -> http.server.ThreadingHTTPServer:
    """A web server of a folder, on this machine only; not yet running.

    Args:
        folder: that `build` has made.
        port: 0 takes a free one.
    """
    handler = functools.partial(_Handler, directory=str(folder))
    return http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)


@contextmanager
def running(server: http.server.ThreadingHTTPServer) -> Iterator[str]:
    """The address of a server, which runs beside what is done meanwhile."""
    with server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://localhost:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


class _Handler(http.server.SimpleHTTPRequestHandler):
    extensions_map = {  # noqa: RUF012
        **http.server.SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".wasm": "application/wasm",
        ".webmanifest": "application/manifest+json",
    }

    def send_head(self) -> BinaryIO | None:
        path = Path(self.translate_path(self.path))
        if path.is_dir():
            path /= "index.html"
        accepted = self.headers.get("Accept-Encoding", "")
        known = self.headers.get("If-Modified-Since")
        if (
            path.suffix not in _COMPRESSED
            or "gzip" not in accepted
            or known is not None
            or not path.is_file()
        ):
            return super().send_head()
        changed = path.stat().st_mtime
        content = _compressed(path, changed)
        self.send_response(http.HTTPStatus.OK)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Last-Modified", self.date_time_string(int(changed)))
        self.end_headers()
        return io.BytesIO(content)

    def end_headers(self) -> None:
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *args: object) -> None:
        """Says nothing of each file."""


@functools.lru_cache(maxsize=64)
def _compressed(path: Path, changed: float) -> bytes:
    del changed  # part of the key: another file of this name
    return gzip.compress(path.read_bytes(), compresslevel=6)
