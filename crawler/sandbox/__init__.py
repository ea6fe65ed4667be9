"""The practice internet: a seeded world and servers for it, on loopback only.

`build` plans the world, `Sandbox` serves it in this process, `start_process` in another one.
"""

import asyncio
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crawler.sandbox.names import NameServer
from crawler.sandbox.registration import start_rdap, start_whois
from crawler.sandbox.reports import sample_reports
from crawler.sandbox.web import WebServer
from crawler.sandbox.world import NETWORK, World, build

__all__ = ["Ports", "Sandbox", "SandboxError", "build", "free_ports", "serve", "start_process"]


class SandboxError(Exception):
    """The practice internet cannot start; one line with the fix."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the servers listen; the web on practice addresses, the rest on 127.0.0.1."""

    http: int = 18080
    https: int = 18443
    dns: int = 5300
    whois: int = 4343
    rdap: int = 18081

    @classmethod
    def free(cls) -> "Ports":
        """Ports that are free now."""
        return cls(*free_ports(5))


def free_ports(count: int) -> list[int]:
    """Ports on 127.0.0.1 that are free now, for TCP and UDP.

    They lie below those that Linux gives to outgoing connections (ip(7): 32768 to 60999), so that
    no connection takes one before its server does.
    """
    found: list[int] = []
    for port in random.sample(range(20_000, 32_000), 1_000):
        try:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(socket.AF_INET, kind) as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        found.append(port)
        if len(found) == count:
            return found
    raise SandboxError("practice internet: no free ports between 20000 and 32000")


class Sandbox:
    """The servers, as an async context manager."""

    def __init__(
        self, seed: int = 1, sites: int = 300, ports: Ports | None = None, hostile: float = 0.0
    ) -> None:
        self.world: World = build(seed, sites, hostile)
        self.ports = ports or Ports()
        self.web = WebServer(self.world)
        self.forbidden = 0
        self._servers: list[Any] = []

    async def __aenter__(self) -> "Sandbox":
        ports = self.ports
        try:
            names, streams = await NameServer(self.world).start(ports.dns)
            self._servers += [names, streams, await start_whois(self.world, ports.whois)]
            self._rdap = await start_rdap(self.world, ports.rdap)
            self._servers += await self.web.start(ports.http, ports.https)
            # Whatever reaches 127.0.0.1 on the web's port got past the address guard.
            trap = await asyncio.start_server(self._trapped, "127.0.0.1", ports.http)
            self._servers.append(trap)
        except OSError as error:
            raise SandboxError(
                f"practice internet: {error.strerror}; stop the other one, or use --free-ports"
            ) from error
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in list(self.web.tasks):
            task.cancel()
        for server in self._servers:
            server.close()
        await self._rdap.cleanup()

    def _trapped(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.forbidden += 1
        writer.close()

    def config_toml(self) -> str:
        """The configuration of a workspace on this practice internet."""
        ports = self.ports
        return (
            "# A workspace on the practice internet, which listens on loopback only.\n"
            "[network]\n"
            f'dns = ["127.0.0.1:{ports.dns}"]\n'
            f'allow_private = ["{NETWORK}"]\n'
            f'port_map = {{ "80" = {ports.http}, "443" = {ports.https} }}\n'
            "timeout = 4\n"
            # Its hosts share a few addresses on this machine.
            "[crawl]\n"
            "delay = 0\n"
            "ip_rate = 0\n"
            "[whois]\n"
            f'server = "127.0.0.1:{ports.whois}"\n'
            "[rdap]\n"
            f'base = "http://127.0.0.1:{ports.rdap}/"\n'
            "[publish]\n"
            'title = "scamtrail practice lists"\n'
        )

    def write(self, folder: Path) -> None:
        """truth.jsonl, reports/ and sandbox.toml into `folder`."""
        (folder / "reports").mkdir(parents=True, exist_ok=True)
        (folder / "truth.jsonl").write_text("\n".join(self.world.truth()) + "\n", "utf-8")
        (folder / "sandbox.toml").write_text(self.config_toml(), "utf-8")
        for name, text in sample_reports(self.world):
            (folder / "reports" / name).write_text(text, "utf-8")


def serve(folder: Path, *, seed: int, sites: int, ports: Ports, hostile: float = 0.0) -> int:
    """Serve until SIGTERM or SIGINT; the exit code."""

    async def main() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with Sandbox(seed, sites, ports, hostile) as sandbox:
            sandbox.write(folder)
            print(f"practice internet: {len(sandbox.world.hosts)} hosts, seed {seed}", flush=True)
            for name in ("dns", "http", "https", "whois", "rdap"):
                print(f"  {name:<6} port {getattr(ports, name)}", flush=True)
            print(f"  files  {folder}", flush=True)
            print("ready", flush=True)
            await stop.wait()
            print(f"connections to 127.0.0.1: {sandbox.forbidden}", flush=True)

    try:
        asyncio.run(main())
    except SandboxError as error:
        print(f"scamtrail: {error}", file=sys.stderr)
        return 1
    return 0


@contextmanager
def start_process(
    folder: Path,
    *,
    seed: int = 1,
    sites: int = 300,
    ports: Ports | None = None,
    hostile: float = 0.0,
) -> Iterator["subprocess.Popen[str]"]:
    """The practice internet in a process of its own, ready, and stopped at the end.

    Raises SandboxError when it does not come up.
    """
    ports = ports or Ports()
    command = [sys.executable, "-m", "crawler.sandbox", str(folder), str(seed), str(sites)]
    command.append(str(hostile))
    command += [str(getattr(ports, name)) for name in Ports.__slots__]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert process.stdout is not None and process.stderr is not None
        for line in process.stdout:
            if line.strip() == "ready":
                break
        else:
            raise SandboxError(process.stderr.read().strip().removeprefix("scamtrail: "))
        yield process
    finally:
        process.terminate()
        try:
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
