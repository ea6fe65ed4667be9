"""The policy zone by transfer: a BIND primary and a secondary, set up as the documents say."""

import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rcode
import pytest

from blocklists.config import PublishConfig
from blocklists.release import publish
from blocklists.select import Selection
from crawler.model import Listing
from crawler.sandbox import free_ports

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
DOCS = Path(__file__).parents[2] / "docs" / "isp.md"
ZONE = "rpz.scamtrail"
SECRET = "c2NhbXRyYWlsLXRlc3Qta2V5LW9ubHk="

# More than changes: BIND sends the whole zone when the difference is the larger.
STAYING = (*(f"win{number}.com" for number in range(30)), "bad.github.io")

Program = Callable[[str, str], str]


def release(public: Path, *names: str, days: int = 0) -> int:
    listings = tuple(
        Listing(name, "all", "strict", NOW, "seen", exact=name.endswith("github.io"))
        for name in names
    )
    selection, now = Selection(listings, ()), NOW + timedelta(days=days)
    return publish(selection, public, now=now, config=PublishConfig()).serial


class Named:
    """A running named; its port also answers over TCP."""

    def __init__(self, path: str, folder: Path, port: int, extra: str, documented: str) -> None:
        self.port = port
        config = folder / "named.conf"
        own = f"""directory "{folder}"; pid-file none; session-keyfile "{folder}/session.key";
            listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
            dnssec-validation no; {extra}"""
        documented = documented.replace("REPLACE-WITH-tsig-keygen-isp-a", SECRET)
        if "options {" in documented:
            documented = documented.replace("options {", f"options {{ {own}")
        else:
            documented = f"options {{ {own} }};\n{documented}"
        config.write_text(f"controls {{ }};\n{documented}")
        self.process = subprocess.Popen(
            [path, "-g", "-n", "1", "-c", str(config)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.said: list[bytes] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout
        self.said.extend(self.process.stdout)

    def serial(self) -> int:
        """Of the zone, asked with the key; 0 while there is no answer."""
        if self.process.poll() is not None:
            pytest.fail(b"".join(self.said[-15:]).decode())
        shown = dig(self.port, "SOA", "+short", "+time=1", "+tries=1").split()
        return int(shown[2]) if len(shown) > 2 and shown[2].isdigit() else 0

    def wait(self, serial: int) -> None:
        for _ in range(200):
            if self.serial() == serial:
                return
            time.sleep(0.1)
        pytest.fail(b"".join(self.said[-15:]).decode())

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=20)


def dig(port: int, *arguments: str, key: bool = True) -> str:
    signed = ["-y", f"hmac-sha256:isp-a:{SECRET}"] if key else []
    return subprocess.run(
        ["dig", "@127.0.0.1", "-p", str(port), *signed, ZONE, *arguments],
        capture_output=True, text=True, check=False, timeout=60,
    ).stdout  # fmt: skip


def documented() -> list[str]:
    return re.findall(r"```named\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)


@pytest.fixture
def pair(
    tmp_path: Path, program: Program, upstream: int
) -> Iterator[tuple[Path, Named, Named, int]]:
    """A published tree, its primary, a secondary that resolves, and the first serial."""
    named = program("named", "bind9")
    program("dig", "bind9-dnsutils")
    public = tmp_path / "public"
    serial = release(public, "old.com", *STAYING)
    folders = [tmp_path / "primary", tmp_path / "secondary"]
    for folder in folders:
        folder.mkdir()
    ports = free_ports(2)
    primary, secondary = documented()
    primary = (
        primary.replace("/srv/scamtrail/public", str(public))
        .replace("/var/lib/bind", str(folders[0]))
        .replace("192.0.2.53 key", f"127.0.0.1 port {ports[1]} key")
    )
    secondary = secondary.replace("198.51.100.1 key", f"127.0.0.1 port {ports[0]} key").replace(
        "198.51.100.1", "127.0.0.1"
    )
    forward = f"forward only; forwarders {{ 127.0.0.1 port {upstream}; }}; qname-minimization off;"
    running = [Named(named, folders[0], ports[0], "recursion no;", primary)]
    try:
        running[0].wait(serial)  # a secondary that finds nobody waits long before it asks again
        running.append(Named(named, folders[1], ports[1], forward, secondary))
        yield public, running[0], running[1], serial
    finally:
        for item in running:
            item.end()


def test_a_zone_transfer_carries_the_list_and_then_only_what_changed(
    pair: tuple[Path, Named, Named, int],
) -> None:
    public, primary, secondary, first = pair
    records = dig(primary.port, "AXFR", "+noall", "+answer").split("\n")
    found = {line.split()[0] for line in records if "CNAME" in line}
    listed = {name for covers in ("old.com", *STAYING[:-1]) for name in (covers, f"*.{covers}")}
    assert found == {f"{name}.{ZONE}." for name in {*listed, "bad.github.io"}}
    assert "Transfer failed" in dig(primary.port, "AXFR", key=False)
    secondary.wait(first)
    assert blocked(secondary.port, "x.old.com") and not blocked(secondary.port, "new.com")

    second = release(public, "new.com", *STAYING, days=1)
    primary.process.send_signal(signal.SIGHUP)  # as rndc reload
    primary.wait(second)
    changed = dig(primary.port, f"IXFR={first}", "+noall", "+answer").split("\n")
    names = [line.split()[0].removesuffix(f".{ZONE}.") for line in changed if "CNAME" in line]
    assert sorted(names) == ["*.new.com", "*.old.com", "new.com", "old.com"]
    secondary.wait(second)
    for _ in range(100):  # named takes a new policy only so often
        if blocked(secondary.port, "x.new.com"):
            break
        time.sleep(0.1)
    assert blocked(secondary.port, "x.new.com") and not blocked(secondary.port, "old.com")
    assert any(b"IXFR" in line or b"incremental" in line for line in primary.said)
    assert {path.suffix for path in (public / "all/strict").iterdir()} & {".jnl"} == set()


def blocked(port: int, name: str) -> bool:
    for _ in range(20):
        try:
            answer = dns.query.udp(dns.message.make_query(name, "A"), "127.0.0.1", 5, port)
        except dns.exception.Timeout:
            continue
        if answer.rcode() in (dns.rcode.NXDOMAIN, dns.rcode.NOERROR):
            return answer.rcode() == dns.rcode.NXDOMAIN
        time.sleep(0.1)
    pytest.fail(f"no answer for {name}")
