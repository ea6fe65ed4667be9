"""A published tree, and what real programs need to be asked about it on loopback."""

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rrset
import pytest

from blocklists.config import PublishConfig
from blocklists.release import publish
from blocklists.select import Selection
from crawler.model import Listing
from crawler.sandbox import free_ports
from support import BIN

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)

# The last one is longer than a policy zone holds; it must not cost the others.
COVERING = (
    "win.com",
    "xn--bcher-kva.example",
    "slot.shop.com",
    "_x.y-z.net",
    "mail." * 38 + "dst.com",
)
EXACT = ("bad.github.io", "http://school.example/slot/1", "1.2.3.4", "2001:4860::77")
INNOCENT_ADDRESS = "192.0.2.7"

Ask = Callable[[int, str, str], dns.message.Message]
Start = Callable[[Callable[[int], Sequence[str]]], int]


@pytest.fixture(scope="session")
def public(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lists") / "public"
    listings = [
        Listing(name, "all", "strict", NOW, "seen", exact=name in EXACT)
        for name in (*COVERING, *EXACT)
    ]
    config = PublishConfig(title='odd "title"; #x', appeal="mail@lists.example")
    publish(Selection(tuple(listings), ()), folder, now=NOW, config=config)
    return folder / "all" / "strict"


@pytest.fixture(scope="session")
def blocked() -> tuple[str, ...]:
    """Names with which, or above which, an entry stands."""
    return (
        "win.com",
        "www.win.com",
        "a.b.win.com",
        "xn--bcher-kva.example",
        "slot.shop.com",
        "x.slot.shop.com",
        "_x.y-z.net",
        "q._x.y-z.net",
    )


@pytest.fixture(scope="session")
def innocent() -> tuple[str, ...]:
    """Names near to entries that must resolve as ever."""
    return (
        "shop.com",
        "www.shop.com",
        "slotshop.com",
        "notwin.com",
        "win.com.example",
        "com",
        "github.io",
        "good.github.io",
        "www.bad.github.io",
        "y-z.net",
        "dst.com",
        "example",
        "school.example",
    )


@pytest.fixture(scope="session")
def node() -> Path:
    """The folder with what npm has, or a skip that says how to get it."""
    folder = BIN.parent / "consumers"
    if not (folder / "node_modules").is_dir() or not shutil.which("node"):
        pytest.skip(f"no {folder}/node_modules or no node: make test installs them where it may")
    return folder


@pytest.fixture(scope="session")
def program() -> Callable[[str, str], str]:
    """The path of a program, or a skip that names the package which has it."""

    def find(name: str, package: str) -> str:
        path = shutil.which(name, path="/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin")
        if not path:
            pytest.skip(f"{name} is missing: apt-get install {package}")
        return path

    return find


@pytest.fixture(scope="session")
def upstream() -> Iterator[int]:
    """The port of a name server on loopback that has an address for every name."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(0.1)
        done = threading.Event()
        thread = threading.Thread(target=_serve, args=(server, done))
        thread.start()
        yield server.getsockname()[1]
        done.set()
        thread.join()


def _serve(server: socket.socket, done: threading.Event) -> None:
    while not done.is_set():
        try:
            packet, client = server.recvfrom(4096)
        except TimeoutError:
            continue
        query = dns.message.from_wire(packet)
        answer = dns.message.make_response(query, recursion_available=True)
        answer.flags |= dns.flags.AA
        name = query.question[0].name
        if query.question[0].rdtype == 1:
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "A", INNOCENT_ADDRESS))
        server.sendto(answer.to_wire(), client)


@pytest.fixture(scope="session")
def ask() -> Ask:
    def ask(port: int, name: str, kind: str = "A") -> dns.message.Message:
        query = dns.message.make_query(name, kind)
        return dns.query.udp(query, "127.0.0.1", port=port, timeout=10)

    return ask


@pytest.fixture(scope="module")
def start() -> Iterator[Start]:
    """Starts a resolver by the command for a port, waits for its first answer, stops it after."""
    running: list[subprocess.Popen[bytes]] = []

    def start(command: Callable[[int], Sequence[str]]) -> int:
        said = b""
        for _ in range(5):  # another program may take the free port first
            (port,) = free_ports(1)
            process = subprocess.Popen(
                command(port), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            )
            if _answers(port, process):
                running.append(process)
                threading.Thread(target=process.communicate, daemon=True).start()
                return port
            process.kill()
            said = process.communicate()[0]
        pytest.fail(f"did not start: {said.decode(errors='replace')[-2000:]}")

    yield start
    for process in running:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    return lambda: free_ports(1)[0]


def _answers(port: int, process: "subprocess.Popen[bytes]") -> bool:
    for _ in range(50):
        if process.poll() is not None:
            return False
        query = dns.message.make_query("start.example", "A")
        try:
            answer = dns.query.udp(query, "127.0.0.1", port=port, timeout=0.5)
        except (dns.exception.DNSException, OSError):
            time.sleep(0.1)
            continue
        if answer.answer:
            return True
        time.sleep(0.1)
    return False
