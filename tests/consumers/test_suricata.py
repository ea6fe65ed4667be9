"""Suricata loads our rules and our dataset, and reads packets of visits to listed sites."""

import json
import ssl
import struct
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import dns.message
import pytest

CONFIG = """%YAML 1.1
---
default-log-dir: {folder}
outputs:
  - eve-log: {{enabled: yes, filename: eve.json, types: [alert]}}
app-layer:
  protocols:
    dns: {{udp: {{enabled: yes, detection-ports: {{dp: 53}}}}}}
    tls: {{enabled: yes, detection-ports: {{dp: 443}}}}
    http: {{enabled: yes}}
vars: {{address-groups: {{HOME_NET: "any", EXTERNAL_NET: "any"}}}}
"""
EMPTY = {"reference.config": "", "threshold.config": ""}
CLASSES = "config classification: bad-unknown,Potentially Bad Traffic,2\n"

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def suricata(program: Callable[[str, str], str], tmp_path: Path) -> Run:
    path = program("suricata", "suricata, of the backports")
    config = tmp_path / "suricata.yaml"
    lines = [CONFIG.format(folder=tmp_path)]
    for name, content in {**EMPTY, "classification.config": CLASSES}.items():
        (tmp_path / name).write_text(content)
        lines.append(f"{name.replace('.config', '-file')}: {tmp_path / name}\n")
    config.write_text("".join(lines).replace("reference-file", "reference-config-file"))

    def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
        command = [path, "-c", str(config), "-l", str(tmp_path), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    return run


@pytest.fixture
def alerts(suricata: Run, tmp_path: Path) -> Callable[..., list[str]]:
    """What each message says and by which protocol, when the packets are read with the rules."""

    def alerts(rules: Path, packets: Iterable[bytes]) -> list[str]:
        capture = tmp_path / "visits.pcap"
        header = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)  # raw IP
        records = (
            struct.pack("<IIII", 1_790_000_000 + number, 0, len(packet), len(packet)) + packet
            for number, packet in enumerate(packets)
        )
        capture.write_bytes(header + b"".join(records))
        done = suricata("-S", rules, "-r", capture, "-k", "none", "--runmode", "single")
        assert done.returncode == 0, done.stdout + done.stderr
        lines = (tmp_path / "eve.json").read_text().splitlines()
        (tmp_path / "eve.json").unlink()
        events = map(json.loads, lines)
        return [f"{e['app_proto']} {e['alert']['signature']}" for e in events]

    return alerts


def ip(protocol: int, payload: bytes, *, answer: bool = False) -> bytes:
    client, server = b"\xc0\x00\x02\x01", b"\xc6\x33\x64\x01"
    ends = server + client if answer else client + server
    return (
        struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0) + ends + payload
    )


def query(name: str, port: int) -> bytes:
    wire = dns.message.make_query(name, "A").to_wire()
    return ip(17, struct.pack("!HHHH", port, 53, 8 + len(wire), 0) + wire)


def connection(port: int, server: int, data: bytes) -> Iterator[bytes]:
    """A handshake, `data` from the client, and the end."""

    def segment(
        seq: int, ack: int, flags: int, payload: bytes = b"", *, answer: bool = False
    ) -> bytes:
        ports = (server, port) if answer else (port, server)
        head = struct.pack("!HHIIBBHHH", *ports, seq, ack, 5 << 4, flags, 65535, 0, 0)
        return ip(6, head + payload, answer=answer)

    after = 101 + len(data)
    yield segment(100, 0, 0x02)
    yield segment(500, 101, 0x12, answer=True)
    yield segment(101, 501, 0x10)
    yield segment(101, 501, 0x18, data)
    yield segment(501, after, 0x10, answer=True)
    yield segment(after, 501, 0x11)
    yield segment(501, after + 1, 0x11, answer=True)


def hello(name: str) -> bytes:
    """The first message of TLS to a host."""
    sent = ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls = context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return sent.read()


def test_suricata_tests_our_rules_without_a_complaint(suricata: Run, public: Path) -> None:
    done = suricata("-T", "-S", public / "suricata.rules")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "E: " not in done.stderr and "W: " not in done.stderr, done.stderr


def test_suricata_sees_what_is_listed_and_nothing_beside_it(
    alerts: Callable[..., list[str]],
    public: Path,
    blocked: tuple[str, ...],
    innocent: tuple[str, ...],
) -> None:
    guilty = (*blocked, "bad.github.io", "WWW.Win.com")
    rules = public / "suricata.rules"
    names = [*guilty, *innocent]
    asked = [query(name, 1024 + number) for number, name in enumerate(names)]
    assert len(alerts(rules, asked)) == len(guilty)
    assert alerts(rules, asked[len(guilty) :]) == []
    visits: list[bytes] = []
    for number, name in enumerate(
        ("www.win.com", "bad.github.io", "www.bad.github.io", "shop.com")
    ):
        request = f"GET / HTTP/1.1\r\nHost: {name}\r\n\r\n".encode()
        visits += connection(2048 + number, 80, request)
        visits += connection(4096 + number, 443, hello(name))
    assert sorted(alerts(rules, visits)) == [
        "http scamtrail all bad.github.io",
        "http scamtrail all win.com",
        "tls scamtrail all bad.github.io",
        "tls scamtrail all win.com",
    ]


def test_a_dataset_holds_names_and_the_www_of_domains(
    alerts: Callable[..., list[str]], public: Path, tmp_path: Path, innocent: tuple[str, ...]
) -> None:
    rules = tmp_path / "dataset.rules"
    rules.write_text(
        'alert dns any any -> any any (msg:"listed"; dns.query; to_lowercase; '
        f"dataset:isset,scamtrail,type string,load {public / 'suricata.lst'}; sid:1; rev:1;)\n"
    )
    listed = ("win.com", "www.win.com", "Slot.Shop.com", "bad.github.io")
    asked = [query(name, 1024 + number) for number, name in enumerate([*listed, *innocent])]
    assert alerts(rules, asked) == ["dns listed"] * len(listed)
