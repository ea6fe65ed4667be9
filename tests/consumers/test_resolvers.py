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


def unbound_command(
    path: str, folder: Path, upstream: int, modules: str, lists: str
) -> Callable[[int], list[str]]:
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
  module-config: "{modules}"
  do-not-query-localhost: no
{lists}
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@{upstream}
"""
        )
        return [path, "-d", "-c", str(config)]

    return command


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
    lists = f'include: "{public / "unbound.conf"}"'
    return start(unbound_command(path, folder, upstream, "iterator", lists))


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


@pytest.fixture(scope="module")
def unbound_rpz(
    public: Path,
    program: Program,
    start: Start,
    upstream: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> int:
    path = program("unbound", "unbound")
    folder = tmp_path_factory.mktemp("unbound-rpz")
    lists = f'rpz:\n  name: "rpz.scamtrail"\n  zonefile: "{public / "rpz.zone"}"'
    return start(unbound_command(path, folder, upstream, "respip iterator", lists))


@pytest.fixture(scope="module")
def knot(
    public: Path,
    program: Program,
    start: Start,
    upstream: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> int:
    path = program("kresd", "knot-resolver")
    folder = tmp_path_factory.mktemp("knot")

    def command(port: int) -> list[str]:
        config = folder / "kresd.conf"
        config.write_text(
            f"""net.listen('127.0.0.1', {port}, {{ kind = 'dns' }})
net.ipv6 = false
trust_anchors.remove('.')
cache.size = 10 * MB
policy.add(policy.rpz(policy.DENY, '{public / "rpz.zone"}'))
policy.add(policy.all(policy.STUB('127.0.0.1@{upstream}')))
"""
        )
        return [path, "-n", "-c", str(config), str(folder)]

    return start(command)


def powerdns(path: str, folder: Path, upstream: int, *settings: str) -> Callable[[int], list[str]]:
    """Starts PowerDNS Recursor with settings."""

    def command(port: int) -> list[str]:
        return [
            path,
            f"--config-dir={folder}",
            f"--socket-dir={folder}",
            "--daemon=no",
            "--disable-syslog",
            "--local-address=127.0.0.1",
            f"--local-port={port}",
            f"--forward-zones-recurse=.=127.0.0.1:{upstream}",
            "--dont-query=",
            "--dnssec=off",
            "--threads=1",
            *settings,
        ]

    return command


@pytest.fixture(scope="module")
def powerdns_rpz(
    public: Path,
    program: Program,
    start: Start,
    upstream: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> int:
    path = program("pdns_recursor", "pdns-recursor")
    folder = tmp_path_factory.mktemp("powerdns-rpz")
    rules = folder / "rpz.lua"
    rules.write_text(f'rpzFile("{public / "rpz.zone"}", {{ policyName = "scamtrail" }})\n')
    return start(powerdns(path, folder, upstream, f"--lua-config-file={rules}"))


@pytest.fixture(scope="module")
def powerdns_lua(
    public: Path,
    program: Program,
    start: Start,
    upstream: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> int:
    path = program("pdns_recursor", "pdns-recursor")
    folder = tmp_path_factory.mktemp("powerdns-lua")
    return start(powerdns(path, folder, upstream, f"--lua-dns-script={public / 'powerdns.lua'}"))


RESOLVERS = [
    "dnsmasq", "unbound", "unbound_rpz", "bind", "knot", "powerdns_rpz", "powerdns_lua"
]  # fmt: skip


@pytest.mark.parametrize("resolver", RESOLVERS)
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
    dnsmasq: int, unbound: int, ask: Ask
) -> None:
    for port in (dnsmasq, unbound):
        assert addresses(ask(port, "bad.github.io")) == ["0.0.0.0"]
        assert addresses(ask(port, "bad.github.io", "AAAA")) == ["::"]


@pytest.mark.parametrize("resolver", RESOLVERS[2:])
def test_an_exact_entry_does_not_exist_for_those_who_can_say_so(
    resolver: str, request: pytest.FixtureRequest, ask: Ask
) -> None:
    port = request.getfixturevalue(resolver)
    for name in ("bad.github.io", "BAD.GitHub.io"):
        assert ask(port, name).rcode() == dns.rcode.NXDOMAIN


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
