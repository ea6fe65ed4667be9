"""Pages per CPU-second of a whole crawl, beside Scrapy and crawlee, on one loopback web.

    python bench/crawl.py [--hosts N] [--pages N] [--workers N] [--queue N] [--json]
                          [--crawlee-python PYTHON] [--crawlee-node FOLDER]

Every crawler starts with the front pages of the same hosts and fetches about the same number of
pages of 34 KB with 80 links. Scamtrail does its whole job: DNS over UDP, the guard, verdicts with
evidence, proof, the database. The peers fetch, extract links and queue the new ones; they are
shown addresses instead of names, so look-ups cost them nothing. CPU-seconds are those of the
crawler's processes, start included, and not of the web server's.

Peers are installed outside the project:
    python -m venv peers && peers/bin/pip install 'crawlee[beautifulsoup]'
    mkdir node && cd node && npm install crawlee
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from crawler.model import Candidate
from crawler.sandbox.names import NameServer
from crawler.sandbox.render import Visit, respond
from crawler.sandbox.web import Connection, WebServer, message
from crawler.sandbox.world import ADDRESSES, Host, World, build
from crawler.store import QueueEntry, Store

HERE = Path(__file__).parent
SIZE, LINKS = 34_000, 80


class BenchWeb(WebServer):
    """The practice web with its pages brought to the size of real ones; ports stand in links.

    A host answers under its name, and under an address of its own, where all links are addresses.
    """

    def __init__(self, world: World, port: int) -> None:
        super().__init__(world)
        self.port = port
        self.addresses = {
            name: f"127.80.{place // 250}.{1 + place % 250}"
            for place, name in enumerate(world.hosts)
        }
        self.names = {address: name for name, address in self.addresses.items()}
        self._made: dict[tuple[str, str, bool], bytes] = {}

    def answer(self, visit: Visit) -> tuple[bytes, str, Host | None]:
        key = (visit.name, visit.path, visit.looks_like_a_browser)
        if key not in self._made:
            self._made[key] = self._make(visit)
        return self._made[key], "", None

    def _make(self, visit: Visit) -> bytes:
        name = self.names.get(visit.name, visit.name)
        host = self.world.find(name)
        if host is None:
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        made = respond(self.world, host, Visit(name, visit.path, visit.headers))
        body = made.body
        if made.status == 404 or visit.path.startswith("/p/"):
            body = b"<!doctype html><html><head><title>More</title></head><body></body></html>"
        if b"</body>" in body:
            body = enlarged(body, random.Random(f"{name}{visit.path}"))
        shown = self.addresses if visit.name in self.names else {}

        def target(found: re.Match[bytes]) -> bytes:
            linked = found[1].decode()
            return f"//{shown.get(linked, linked)}:{self.port}".encode()

        body = re.sub(rb"//([a-z0-9.-]+\.test)(?=[/'\"])", target, body)
        fields = tuple(
            (field, re.sub(rb"//([a-z0-9.-]+\.test)(?=/)", target, value.encode()).decode())
            for field, value in made.fields
        )
        return message(type(made)(body, 200 if made.status == 404 else made.status, fields))


def enlarged(body: bytes, rng: random.Random) -> bytes:
    """`body` with a menu that makes 80 links of it, and style and script that make 34 KB."""
    more = max(0, LINKS - body.count(b"<a "))
    menu = b"".join(
        b'<li class="menu-item item-%d"><a class="link" href="/p/%d.html" title="t%d">'
        b"<span>Item number %d</span></a></li>\n" % (n, rng.randrange(40), n, n)
        for n in range(more)
    )
    body = body.replace(b"</body>", b"<ul>" + menu + b"</ul></body>")
    rest = max(0, SIZE - len(body)) // 2
    style = (b".a1{color:#333;margin:0 auto;padding:4px 8px}\n" * (rest // 46))[:rest]
    script = (b'var cfg={"api":"/v1/x","n":12};function f(a){return a+1}\n' * (rest // 57))[:rest]
    filling = b"<style>" + style + b"</style><script>" + script + b"</script>"
    return body.replace(b"</head>", filling + b"</head>", 1)


def bench_world(hosts: int) -> World:
    """A world without traps and without what the peers would not count as a page."""
    world = build(1, hosts)
    kept = {
        name: host
        for name, host in world.hosts.items()
        if not host.kind.startswith("trap-") and host.kind not in ("dead", "redirector")
    }
    return World(
        world.seed, world.sites, kept, world.operations, world.reported, dict(world.by_kind)
    )


async def serve(hosts: int) -> None:
    """Serve until SIGTERM; prints the ports and then every host with its address."""
    loop = asyncio.get_running_loop()
    world = bench_world(hosts)
    names, streams = await NameServer(world).start(0)
    with socket.create_server(("127.80.0.1", 0)) as held:
        web = BenchWeb(world, held.getsockname()[1])
    for address in (*ADDRESSES, *web.names):
        await loop.create_server(lambda: Connection(web), address, web.port)
    dns = names.get_extra_info("sockname")[1]
    print(json.dumps({"http": web.port, "dns": dns, "hosts": web.addresses}), flush=True)
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    streams.close()


@dataclass(frozen=True, slots=True)
class Web:
    """The running web: its ports and the addresses of its hosts."""

    http: int
    dns: int
    hosts: dict[str, str]

    @property
    def seeds(self) -> list[str]:
        return [f"http://{name}:{self.http}/" for name in self.hosts]

    @property
    def seeds_by_address(self) -> list[str]:
        return [f"http://{address}:{self.http}/" for address in self.hosts.values()]


@contextlib.contextmanager
def running(hosts: int) -> Iterator[Web]:
    process = subprocess.Popen(
        [sys.executable, __file__, "--serve", str(hosts)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield Web(**json.loads(process.stdout.readline()))
    finally:
        process.terminate()
        process.wait()


@dataclass(frozen=True, slots=True)
class Measured:
    """What one crawler did."""

    name: str
    pages: int
    cpu: float
    wall: float
    peak_mb: float

    @property
    def rate(self) -> float:
        return self.pages / self.cpu if self.cpu else 0.0


def measured(name: str, command: Sequence[str], folder: Path) -> Measured:
    """Run `command`, whose last line of output is JSON with `pages`; its CPU with all children.

    Raises RuntimeError when it fails.
    """
    output = folder / (re.sub(r"\W+", "-", name) + ".out")
    started = time.monotonic()
    with output.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, cwd=folder)
        _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    text = output.read_text("utf-8", "replace")
    if process.returncode:
        raise RuntimeError(f"{name} failed: {text[-2_000:]}")
    start = text.rindex("\n{") if "\n{" in text else 0
    found = json.loads(text[start:])
    pages = found["crawl"]["pages"] if "crawl" in found else found["pages"]
    return Measured(name, pages, usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024)


def fill(root: Path, count: int) -> None:
    """Put `count` URLs of as many hosts into the queue, behind those of the web."""
    now = datetime.now(UTC)
    with Store(root / "findings.db") as store:
        for start in range(0, count, 20_000):
            store.enqueue(
                (
                    QueueEntry(
                        Candidate(
                            f"http://w{n}.waiting-{n % 300_000}.test/page/{n}",
                            f"w{n}.waiting-{n % 300_000}.test",
                            f"waiting-{n % 300_000}.test",
                            "http://luckybet.test/",
                            "one of very many links that wait",
                            0.06,
                            3,
                        ),
                        network=f"waiting{n % 50_000}",
                    )
                    for n in range(start, min(start + 20_000, count))
                ),
                now,
            )


def scamtrail(web: Web, folder: Path, pages: int, workers: int, queue: int = 0) -> Measured:
    root = folder / f"watch-{workers}-{queue}"
    program = [str(Path(sys.executable).with_name("scamtrail"))]
    root.mkdir()
    (root / "scamtrail.toml").write_text(
        f'[network]\ndns = ["127.0.0.1:{web.dns}"]\nallow_private = ["127.64.0.0/10"]\n'
        "[crawl]\ndelay = 0\nip_rate = 0\n",
        "utf-8",
    )
    report = root / "reports" / "seeds.csv"
    report.parent.mkdir()
    report.write_text("\n".join(["url", *web.seeds]) + "\n", "utf-8")
    for step in (["init", str(root)], ["ingest", "-w", str(root), str(report)]):
        subprocess.run([*program, *step], check=True, stdout=subprocess.DEVNULL)
    if queue:
        fill(root, queue)
    command = [*program, "crawl", "-w", str(root), "--json", "--limit-pages", str(pages)]
    if workers > 1:
        command += ["--workers", str(workers)]
    name = "scamtrail" if workers == 1 else f"scamtrail --workers {workers}"
    name += f", {queue:,} waiting" if queue else ""
    return measured(name, command, folder)


def peers(web: Web, folder: Path, pages: int, python: str, node: str) -> Iterator[Measured | str]:
    """Each peer's figures, or one line that says why there are none."""
    given = folder / "web.json"
    given.write_text(json.dumps({"seeds": web.seeds_by_address, "pages": pages}), "utf-8")
    yield measured(
        "Scrapy", [sys.executable, str(HERE / "peers" / "scrapy_broad.py"), str(given)], folder
    )
    if python and Path(python).exists():
        program = str(HERE / "peers" / "crawlee_python.py")
        yield measured("crawlee Python", [python, program, str(given)], folder)
    else:
        yield "crawlee Python: not measured; name a python that has it with --crawlee-python"
    installed = Path(node or ".") / "node_modules" / "crawlee"
    if node and installed.is_dir() and shutil.which("node"):
        # Node looks for packages beside the script.
        script = Path(node) / "bench_peer.mjs"
        script.write_text((HERE / "peers" / "crawlee_node.mjs").read_text("utf-8"), "utf-8")
        yield measured("crawlee npm", ["node", str(script), str(given)], folder)
    else:
        yield "crawlee npm: not measured; name a folder that has it with --crawlee-node"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hosts", type=int, default=2_200)
    parser.add_argument("--pages", type=int, default=6_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--queue", type=int, default=0, help="measure memory with so many waiting")
    parser.add_argument("--crawlee-python", default="")
    parser.add_argument("--crawlee-node", default="")
    parser.add_argument("--only-scamtrail", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        asyncio.run(serve(given.serve))
        return
    with tempfile.TemporaryDirectory(prefix="bench-crawl-") as temporary:
        folder = Path(temporary)
        found: list[Measured | str] = []
        with running(given.hosts) as web:
            assert len(web.hosts) >= 2_000 or given.hosts < 2_200
            found.append(scamtrail(web, folder, given.pages, 1))
            if given.workers > 1:
                found.append(scamtrail(web, folder, given.pages, given.workers))
            if given.queue:
                found.append(scamtrail(web, folder, min(given.pages, 1_000), 1, given.queue))
            if not given.only_scamtrail:
                found += peers(web, folder, given.pages, given.crawlee_python, given.crawlee_node)
    ours = found[0]
    assert isinstance(ours, Measured)
    done = [item for item in found if isinstance(item, Measured)]
    if given.json:
        print(json.dumps({item.name: {"pages": item.pages, "cpu": round(item.cpu, 2),
              "wall": round(item.wall, 2), "rate": round(item.rate, 1),
              "peak_mb": round(item.peak_mb)} for item in done}))  # fmt: skip
        return
    print(f"{len(web.hosts)} hosts, pages of {SIZE:,} bytes with {LINKS} links")
    for item in found:
        if isinstance(item, str):
            print(f"  {item}")
            continue
        print(
            f"  {item.name:24} {item.pages:6} pages {item.cpu:7.1f} CPU-s {item.rate:7.0f} a"
            f" CPU-s {item.pages / item.wall:6.0f} a s {item.peak_mb:5.0f} MB"
            f"   scamtrail is {ours.rate / item.rate:.2f} ×"
        )


if __name__ == "__main__":
    main()
