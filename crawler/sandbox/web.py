"""The practice web: HTTP and HTTPS with an own CA, honest and hostile servers in one.

A lean server on asyncio's protocols, since it must answer faster than the crawler asks and must
break the rules of HTTP where a trap calls for that.
"""

import asyncio
import ssl
import tempfile
from collections import Counter
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from crawler.sandbox.render import Answer, Visit, bomb, respond
from crawler.sandbox.world import ADDRESSES, EPOCH, Host, World

_REASONS = {status.value: status.phrase for status in HTTPStatus}
# A trap that never ends by itself ends after so many seconds, so that no server task stays.
PATIENCE = 120


class WebServer:
    """Serves the world on its addresses; `requests` counts what was asked for, by host and path."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.requests: Counter[tuple[str, str]] = Counter()
        self.tasks: set[asyncio.Task[None]] = set()
        self._cache: dict[tuple[str, str, bool, bool, bool], bytes] = {}
        self._authority = Authority(world)

    async def start(self, http: int, https: int) -> list[asyncio.Server]:
        """Listen on every practice address; port 0 takes one free port for all of them."""
        loop = asyncio.get_running_loop()
        servers: list[asyncio.Server] = []
        for port, context in ((http, None), (https, self._authority.context())):
            for address in ADDRESSES:
                server = await loop.create_server(
                    lambda: Connection(self), address, port, ssl=context
                )
                port = server.sockets[0].getsockname()[1]
                servers.append(server)
        return servers

    def answer(self, visit: Visit) -> tuple[bytes, str, Host | None]:
        """The whole response, or the name of the trick to play."""
        host = self.world.find(visit.name)
        self.requests[visit.name, visit.path] += 1
        if host is None:
            return message(Answer(b"<title>404</title>no such site", 404)), "", None
        key = (
            visit.name,
            visit.path,
            visit.looks_like_a_browser,
            visit.comes_from_elsewhere,
            visit.on_a_phone,
        )
        if (known := self._cache.get(key)) is not None:
            return known, "", host
        made = respond(self.world, host, visit)
        if made.trick:
            return b"", made.trick, host
        whole = message(made)
        if len(self._cache) < 20_000:
            self._cache[key] = whole
        return whole, "", host


def message(answer: Answer) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} {_REASONS.get(answer.status, 'Unknown')}"]
    lines += [f"{name}: {value}" for name, value in answer.fields]
    lines.append(f"Content-Length: {len(answer.body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + answer.body


class Connection(asyncio.Protocol):
    def __init__(self, server: WebServer) -> None:
        self._server = server
        self._buffer = b""
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) > 65_536:
            self._transport.close()
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head, self._buffer = self._buffer[:end], self._buffer[end + 4 :]
            self._respond(head.decode("latin-1"))

    def _respond(self, head: str) -> None:
        first, *rest = head.split("\r\n")
        parts = first.split(" ")
        if len(parts) != 3 or parts[0] not in ("GET", "HEAD"):
            self._transport.write(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
            return
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in rest)
        }
        name = headers.get("host", "").partition(":")[0].lower()
        answer, trick, _ = self._server.answer(Visit(name, parts[1], headers))
        if trick:
            task = asyncio.ensure_future(_play(trick, self._transport, self._server, name))
            self._server.tasks.add(task)
            task.add_done_callback(self._server.tasks.discard)
        else:
            self._transport.write(answer)


async def _play(trick: str, transport: Any, server: WebServer, name: str) -> None:
    """Misbehave in the way that `trick` names, then close."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
    write = transport.write
    try:
        if trick == "bomb":
            body = bomb()
            write(head + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        elif trick in ("endless", "huge"):
            write(head + b"Connection: close\r\n\r\n<title>long</title>")
            chunk = b"<p>and so on</p>" * 4_096
            for _ in range(500 if trick == "huge" else 10_000):
                if transport.is_closing():
                    return
                write(chunk)
                await asyncio.sleep(0.001)
        elif trick == "drip":
            write(head + b"Content-Length: 100000\r\n\r\n<title>slow</title>")
            for _ in range(PATIENCE):
                await asyncio.sleep(1)
                if transport.is_closing():
                    return
                write(b".")
        elif trick == "bad-status":
            write(b"HTTP/9 banana\r\n\r\n")
        elif trick == "big-header":
            write(head + b"X-Long: " + b"a" * 1_000_000 + b"\r\n\r\n")
        elif trick == "lying-length":
            write(head + b"Content-Length: 1000\r\n\r\n<title>short</title>")
        elif trick == "no-answer":
            await asyncio.sleep(PATIENCE)
        elif trick == "late-503":
            if sum(count for (host, _), count in server.requests.items() if host == name) < 2:
                write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
                return
            body = b"<title>Back</title><p>We are back after a short pause.</p>"
            write(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            return
        else:
            write(head + b"Content-Length: 4\r\n\r\ntest")
    finally:
        transport.close()


class Authority:
    """The practice CA. Sites of an operation share one certificate with all their names."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Practice Internet CA")])
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="practice-ca-")

    def context(self) -> ssl.SSLContext:
        """A server context that picks the certificate by SNI (RFC 6066 §3)."""
        context = self._context_for("practice.test", ["practice.test"])
        context.sni_callback = self._choose
        return context

    def _choose(self, socket: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        host = self._world.find((name or "").lower())
        if host is None:
            return
        operation = self._world.operations.get(host.operation)
        if operation and host.name in operation.members:
            key, names = operation.id, list(operation.members)
        else:
            key, names = host.name, [host.name, f"*.{host.name}"]
        socket.context = self._context_for(key, names)

    def _context_for(self, key: str, names: list[str]) -> ssl.SSLContext:
        if key not in self._contexts:
            path = Path(self._folder.name) / f"{key}.pem"
            path.write_bytes(self._certificate(key, names))
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(path)
            self._contexts[key] = context
        return self._contexts[key]

    def _certificate(self, key: str, names: list[str]) -> bytes:
        rng = self._world.rng("certificate", key)
        private = ec.generate_private_key(ec.SECP256R1())
        begins: datetime = EPOCH - timedelta(days=rng.randint(1, 60))
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])]))
            .issuer_name(self._name)
            .public_key(private.public_key())
            .serial_number(rng.getrandbits(120) | 1)
            .not_valid_before(begins)
            .not_valid_after(begins + timedelta(days=90))
            .add_extension(
                x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )
        return private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ) + certificate.public_bytes(serialization.Encoding.PEM)

    def close(self) -> None:
        self._folder.cleanup()
