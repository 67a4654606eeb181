"""A web server in a pod of the tests: answers with the name given as its first argument.

`/count` says how often it was asked for anything else, so that a mirror can be counted where
nobody sees its answers. On SIGTERM it answers what it has accepted, then ends.
"""

import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NAME = sys.argv[1]
answered = 0
lock = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = str(answered) if self.path == "/count" else self.counted()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def counted(self) -> str:
        global answered  # noqa: PLW0603 - one process, one count
        with lock:
            answered += 1
        return NAME

    def log_message(self, *_: object) -> None:
        """Silence: thousands of requests would drown the pod's log."""


class Server(ThreadingHTTPServer):
    daemon_threads = False  # server_close then waits for the answers that are under way
    request_queue_size = 128


server = Server(("", 8080), Handler)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever()
server.server_close()
