"""A real HTTP message gateway on this machine: it checks signatures, knows keys again, and can be taken down."""

import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from anlan.kernel.carriers.http_gateway import sign

SECRET = "only for tests"


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Door)
        self.calls: dict[str, dict] = {}
        self.posts: Counter[str] = Counter()
        self.down = False
        self.unsigned = 0
        self.busy = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/send"

    @property
    def numbers(self) -> set[str]:
        return {call["to"] for call in self.calls.values()}

    def stop(self) -> None:
        self.shutdown()
        self.server_close()


class Door(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.busy:
            status, answer = self._take(body)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def _take(self, body: bytes) -> tuple[int, dict]:
        self.server.posts[key := self.headers["Idempotency-Key"]] += 1
        if self.server.down:
            return 503, {}
        if self.headers["X-Anlan-Signature"] != sign(SECRET, self.headers["X-Anlan-Time"], body):
            self.server.unsigned += 1
            return 403, {}
        if key in self.server.calls:
            return 409, {}
        self.server.calls[key] = json.loads(body)
        return 200, {"id": f"g{len(self.server.calls)}"}

    def log_message(self, *words: object) -> None:
        """The test's output stays readable."""
