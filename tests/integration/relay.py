"""A stranger on the path: an HTTP relay between two parts of a fleet that can note, hold back, alter or refuse what passes."""

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

HOP_HEADERS = {"connection", "transfer-encoding", "content-length", "keep-alive"}


class Relay:
    """`target(fleet)` is asked at each request where it goes: the fleet is not there yet when its relay is made.

    `on_request(method, host, path, headers)` may return a status to refuse with; `on_answer(host, path, body)` returns the body to pass on."""

    def __init__(self, target):
        self.target = target
        self.fleet = None
        self.on_request = lambda method, host, path, headers: None
        self.on_answer = lambda host, path, body: body
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def _pass_on(self, method, path, headers, body):
        where = urlsplit(self.target(self.fleet))
        connection = http.client.HTTPConnection(where.hostname, where.port, timeout=30)
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def _answer(self, method, path, headers, body):
        host = headers.get("Host", "")
        refused = self.on_request(method, host, path, headers)
        if refused:
            return refused, [], b""
        try:
            status, answered, content = self._pass_on(method, path, headers, body)
        except OSError:
            return 502, [], b""
        return status, answered, self.on_answer(host, path, content)

    def _handler(relay):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def serve(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_HEADERS}
                status, answered, content = relay._answer(self.command, self.path, headers, body)
                self.send_response_only(status)
                for name, value in answered:
                    if name.lower() not in HOP_HEADERS:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = serve

            def log_message(self, *_):
                pass

        return Handler
