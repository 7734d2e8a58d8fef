"""A reverse proxy of the tests: TLS with client certificates, as docs/deployment.md asks of it.

It hands requests on to the live server over a socket of its own, drops what a request brings along
of the headers that only a proxy may set, and sets them itself.
"""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote, urlsplit

import trustme

OURS = ("x-forwarded-", "x-client-", "x-proxy-")


class _Front(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, authority: trustme.CA, upstream: str, secret: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream, self.secret = urlsplit(upstream), secret
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(self.context)
        authority.configure_trust(self.context)
        self.context.verify_mode = ssl.CERT_OPTIONAL

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands in the thread of the connection: a slow one holds up nobody else."""
        with self.context.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A refused handshake is seen by the client."""


class _Handler(BaseHTTPRequestHandler):
    server: _Front

    def log_message(self, *args: Any) -> None:
        pass

    def _hand_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        upstream = HTTPConnection(self.server.upstream.hostname or "", self.server.upstream.port)
        upstream.request(self.command, self.path, body, self._headers())
        answer = upstream.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "content-length", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        upstream.close()

    do_GET = do_POST = _hand_on  # noqa: N815

    def _headers(self) -> dict[str, str]:
        der = self.connection.getpeercert(binary_form=True)
        kept = {k: v for k, v in self.headers.items() if not k.lower().startswith(OURS)}
        kept |= {"Connection": "close", "X-Forwarded-Proto": "https"}
        kept |= {"X-Forwarded-For": self.client_address[0], "X-Proxy-Secret": self.server.secret}
        kept["X-Client-Verify"] = "SUCCESS" if der else "NONE"
        if der:
            kept["X-Client-Cert"] = quote(ssl.DER_cert_to_PEM_cert(der), safe="")
        return kept


@contextmanager
def standing_before(upstream: str, *, authority: trustme.CA, secret: str) -> Iterator[str]:
    """Start the proxy before `upstream`; yields its own address."""
    front = _Front(authority, upstream, secret)
    thread = threading.Thread(target=front.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"https://localhost:{front.server_port}"
    finally:
        front.shutdown()
        front.server_close()
        thread.join(5)
