"""A WebSocket in plain sockets (RFC 6455), for tests that must read as slowly as they like."""

import base64
import json
import os
import socket
import struct
from urllib.parse import urlsplit

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Refused(Exception):
    """An ordinary answer came in place of a WebSocket: the status."""


class WebSocket:
    """`origin` is dialled; `url` says who is meant."""

    def __init__(self, origin, url, headers=None, timeout=60):
        peer, target = urlsplit(origin), urlsplit(url)
        self.socket = socket.create_connection((peer.hostname, peer.port), timeout=timeout)
        path = target.path + ("?" + target.query if target.query else "")
        lines = [f"GET {path} HTTP/1.1", f"Host: {target.netloc}", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
                 "Sec-WebSocket-Key: " + base64.b64encode(os.urandom(16)).decode(), *(f"{name}: {value}" for name, value in (headers or {}).items())]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self.bytes = b""
        while b"\r\n\r\n" not in self.bytes:
            self._receive()
        head, self.bytes = self.bytes.split(b"\r\n\r\n", 1)
        status = int(head.split(b" ")[1])
        if status != 101:
            raise Refused(status)

    def _receive(self):
        piece = self.socket.recv(65536)
        if not piece:
            raise ConnectionError("closed")
        self.bytes += piece

    def _take(self, count):
        while len(self.bytes) < count:
            self._receive()
        taken, self.bytes = self.bytes[:count], self.bytes[count:]
        return taken

    def send(self, opcode, payload):
        mask = os.urandom(4)
        size = bytes([0x80 | len(payload)]) if len(payload) < 126 else bytes([0x80 | 126]) + struct.pack(">H", len(payload))
        self.socket.sendall(bytes([0x80 | opcode]) + size + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload)))

    def receive(self):
        """The next message or close frame as (opcode, payload); pings are answered."""
        while True:
            first, size = self._take(2)
            if size == 126:
                size = struct.unpack(">H", self._take(2))[0]
            elif size == 127:
                size = struct.unpack(">Q", self._take(8))[0]
            payload = self._take(size)
            if first & 0x0F != PING:
                return first & 0x0F, payload
            self.send(PONG, payload)

    def message(self):
        """The next text as JSON."""
        opcode, payload = self.receive()
        assert opcode == TEXT, (opcode, payload)
        return json.loads(payload)

    def type(self, text):
        self.send(BINARY, text.encode())

    def read_until(self, wanted):
        """What the terminal says, up to `wanted`."""
        said = ""
        while wanted not in said:
            opcode, payload = self.receive()
            assert opcode == BINARY, (opcode, payload, said)
            said += payload.decode(errors="replace")
        return said

    def close(self):
        self.socket.close()
