"""Signed statements (docs/wire.md, 3) as an outsider would make them: with the openssl command and a key of his own."""

import base64
import hashlib
import json
import subprocess
import tempfile
from pathlib import Path

RAW_KEY_BYTES = 32  # an Ed25519 SubjectPublicKeyInfo ends with the key itself


def b64u(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_b64u(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def canonical(value):
    """RFC 8785 for what statements hold: ASCII names, texts and integers."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def thumbprint(jwk):
    return b64u(hashlib.sha256(canonical({name: jwk[name] for name in ("crv", "kty", "x")}).encode()).digest())


class Signer:
    """An Ed25519 key in a temporary folder."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="dd-signer-")
        self.key = Path(self.folder.name) / "key.pem"
        self._openssl("genpkey", "-algorithm", "ed25519", "-out", self.key)
        spki = self._openssl("pkey", "-in", self.key, "-pubout", "-outform", "DER")
        self.kid = thumbprint({"crv": "Ed25519", "kty": "OKP", "x": b64u(spki[-RAW_KEY_BYTES:])})

    def _openssl(self, *arguments):
        return subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=30).stdout

    def sign(self, typ, claims, **header):
        """A compact JWS; `header` replaces members of the usual header."""
        signed = b64u(canonical({"alg": "EdDSA", "kid": self.kid, "typ": typ, **header}).encode()) + "." + b64u(canonical(claims).encode())
        message = Path(self.folder.name) / "message"
        message.write_text(signed)
        return signed + "." + b64u(self._openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.key, "-in", message))


def altered(statement, **claims):
    """The same header and signature over other claims."""
    header, payload, signature = statement.split(".")
    return ".".join([header, b64u(canonical({**json.loads(from_b64u(payload)), **claims}).encode()), signature])
