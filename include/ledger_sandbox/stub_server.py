"""A small HTTP server on the loopback interface, for the stand-ins that need no more."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from typing_extensions import Self


class QuietHandler(BaseHTTPRequestHandler):
    """Answers with JSON and says nothing of it on stderr."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def send_content(self, status: int, content: bytes) -> None:
        """Answer, and be done."""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class StubServer:
    """Serves on a free port of its own from `start` to `stop`, in a thread of this process."""

    def __init__(self, handler: type[QuietHandler]) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)

    @property
    def base_url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> Self:
        """Take requests from now on."""
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def stop(self) -> None:
        """End; may be called twice."""
        self._server.shutdown()
        self._server.server_close()
