"""A validating webhook in a pod of the tests: refuses what carries the label `refuse`."""

import json
import ssl
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

CERTIFICATE = "/certificate/tls.crt"
KEY = "/certificate/tls.key"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps({**review, "response": verdict(review["request"])}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)


def verdict(request: dict[str, Any]) -> dict[str, Any]:
    labels = request["object"]["metadata"].get("labels", {})
    if "refuse" in labels:
        return {"uid": request["uid"], "allowed": False, "status": {"message": "the label refuse"}}
    return {"uid": request["uid"], "allowed": True}


server = HTTPServer(("", 8443), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(CERTIFICATE, KEY)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
