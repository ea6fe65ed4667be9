"""Resolvers load our files and are asked: what is listed is blocked, and nothing beside it."""

import getpass
import subprocess
from collections.abc import Callable
from pathlib import Path

import dns.message
import dns.rcode
import pytest

Ask = Callable[..., dns.message.Message]
Program = Callable[[str, str], str]
Start = Callable[..., int]


def addresses(answer: dns.message.Message) -> list[str]:
    return [str(record) for rrset in answer.answer for record in rrset]


@pytest.fixture(scope="module")
def dnsmasq(public: Path, program: Program, start: Start, upstream: int) -> int:
    path = program("dnsmasq", "dnsmasq-base")
    return start(
        lambda port: [
            path,
            "--keep-in-foreground",
            f"--port={port}",
            "--listen-address=127.0.0.1",
            "--bind-interfaces",
            "--no-resolv",
            "--no-hosts",
            "--pid-file=",
            f"--user={getpass.getuser()}",
            f"--server=127.0.0.1#{upstream}",
            f"--conf-file={public / 'dnsmasq.conf'}",
        ]
    )


@pytest.fixture(scope="module")
def unbound(
    public: Path,
    program: Program,
    start: Start,
    upstream: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> int:
    path = program("unbound", "unbound")
    folder = tmp_path_factory.mktemp("unbound")

    def command(port: int) -> list[str]:
        config = folder / "unbound.conf"
        config.write_text(
            f"""server:
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: ""
  use-syslog: no
  interface: 127.0.0.1
  port: {port}
  module-config: "iterator"
  do-not-query-localhost: no
include: "{public / "unbound.conf"}"
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@{upstream}
"""
        )
        return [path, "-d", "-c", str(config)]

    return start(command)


@pytest.fixture(scope="module")
def bind(
    public: Path,
    program: Program,
    start: Start,
    upstream: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> int:
    path = program("named", "bind9")
    folder = tmp_path_factory.mktemp("bind")

    def command(port: int) -> list[str]:
        config = folder / "named.conf"
        config.write_text(
            f"""options {{
  directory "{folder}";
  pid-file none;
  session-keyfile "{folder}/session.key";
  listen-on port {port} {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }};
  recursion yes;
  dnssec-validation no;
  forward only;
  forwarders {{ 127.0.0.1 port {upstream}; }};
  response-policy {{ zone "rpz.scamtrail"; }} qname-wait-recurse no break-dnssec yes;
}};
controls {{ }};
zone "rpz.scamtrail" {{ type primary; file "{public / "rpz.zone"}"; }};
"""
        )
        return [path, "-g", "-n", "1", "-c", str(config)]

    return start(command)


@pytest.mark.parametrize("resolver", ["dnsmasq", "unbound", "bind"])
def test_a_resolver_blocks_what_is_listed_and_nothing_beside_it(
    resolver: str,
    request: pytest.FixtureRequest,
    ask: Ask,
    blocked: tuple[str, ...],
    innocent: tuple[str, ...],
) -> None:
    port = request.getfixturevalue(resolver)
    for name in blocked:
        for kind in ("A", "AAAA", "HTTPS"):
            assert ask(port, name, kind).rcode() == dns.rcode.NXDOMAIN, (name, kind)
    for name in innocent:
        answer = ask(port, name)
        assert (answer.rcode(), addresses(answer)) == (dns.rcode.NOERROR, ["192.0.2.7"]), name


def test_an_exact_entry_is_blocked_as_each_resolver_can(
    dnsmasq: int, unbound: int, bind: int, ask: Ask
) -> None:
    for port in (dnsmasq, unbound):
        assert addresses(ask(port, "bad.github.io")) == ["0.0.0.0"]
        assert addresses(ask(port, "bad.github.io", "AAAA")) == ["::"]
    assert ask(bind, "bad.github.io").rcode() == dns.rcode.NXDOMAIN


def test_dnsmasq_and_unbound_check_our_files_as_their_users_would(
    public: Path, program: Program, tmp_path: Path
) -> None:
    for name in ("dnsmasq.conf", "unbound.conf"):
        (tmp_path / name).write_bytes((public / name).read_bytes())
    for command in (
        [program("dnsmasq", "dnsmasq-base"), "--test", f"--conf-file={tmp_path}/dnsmasq.conf"],
        [program("unbound-checkconf", "unbound"), f"{tmp_path}/unbound.conf"],
    ):
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "zone", ["rpz.local", "a-rather-long-name-for-a-zone.policy.resolvers.isp.example"]
)
def test_named_checkzone_takes_the_policy_zone_whatever_its_name(
    public: Path, program: Program, zone: str
) -> None:
    command = [program("named-checkzone", "bind9-utils"), zone, str(public / "rpz.zone")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout
    assert "loaded serial 2026112401" in done.stdout
