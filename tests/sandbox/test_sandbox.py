"""The practice internet: the same for the same seed, true to its ground truth, hostile as said."""

import asyncio
import json
import ssl
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import dns.asyncquery
import dns.message
import dns.rcode
import pytest
import whois
from cryptography import x509

from crawler import html, reports
from crawler.model import Role
from crawler.operations.identifiers import is_base58check
from crawler.sandbox import Ports, Sandbox, build
from crawler.sandbox.registration import registered, whois_text
from crawler.sandbox.render import Visit, respond
from crawler.sandbox.reports import sample_reports
from crawler.sandbox.world import ADDRESSES, HOSTILE, World

WORLD = build(1, 150)
BROWSER = {
    "user-agent": "Mozilla/5.0 (Linux; Android 14) Mobile",
    "referer": "https://search.example/",
}
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def fetch(world: World, url: str, headers: dict[str, str] | None = None) -> Any:
    host, _, path = url.partition("://")[2].partition("/")
    found = world.find(host)
    return respond(world, found, Visit(host, f"/{path}", headers or {})) if found else None


def test_the_same_seed_gives_the_same_bytes() -> None:
    again = build(1, 150)
    assert list(again.truth()) == list(WORLD.truth())
    assert list(sample_reports(again)) == list(sample_reports(WORLD))
    for name in list(WORLD.hosts)[:80]:
        assert fetch(WORLD, f"http://{name}/") == fetch(again, f"http://{name}/")
    assert list(build(2, 150).truth()) != list(WORLD.truth())


@pytest.mark.parametrize("sites", [150, 300, 5_000])
def test_the_world_has_the_size_and_the_operations_asked_for(sites: int) -> None:
    world = build(3, sites)
    assert abs(len(world.hosts) - sites) <= 0.1 * sites
    assert len(world.operations) >= 12
    languages = {operation.language for operation in world.operations.values()}
    assert {"zh", "zh-hant", "vi", "th", "id", "en", "km", "lo", "my"} <= languages
    labels = [host.label for host in world.hosts.values()]
    assert 0.3 < labels.count("benign") / len(labels) < 0.7


def test_truth_has_a_line_for_every_host() -> None:
    lines = [json.loads(line) for line in WORLD.truth()]
    assert [line["host"] for line in lines] == list(WORLD.hosts)
    for line in lines:
        assert line["label"] in ("gambling", "investment", "benign")
        assert line["listable"] == (line["label"] != "benign")
        assert line["host"].endswith((".test", ".example"))


def test_every_reachable_scam_lies_on_a_path_from_a_report() -> None:
    queue = deque(
        mention.url
        for name, text in sample_reports(WORLD)
        for reading in reports.read(text.encode(), name=name, now=NOW)
        for mention in reading.mentions
        if mention.role is Role.ACCUSED
    )
    seen, hosts = set(queue), set()
    while queue:
        url = queue.popleft()
        host = url.split("/")[2]
        found = WORLD.find(host)
        if found is None or found.kind.startswith("trap-"):
            continue
        hosts.add(found.name)
        answer = fetch(WORLD, url, BROWSER)
        document = html.parse(answer.body, url=url)
        targets = [link.url for link in document.links]
        targets += [
            html.canonical_url(value, url) for name, value in answer.fields if name == "Location"
        ]
        for target in targets:
            if target and target not in seen and len(seen) < 20_000:
                seen.add(target)
                queue.append(target)
    for host in WORLD.hosts.values():
        if host.listable and host.reach != "unreachable":
            assert host.name in hosts, host


def test_reports_name_platforms_and_police_beside_the_scams() -> None:
    found = {
        mention.host: mention.role
        for name, text in sample_reports(WORLD)
        for reading in reports.read(text.encode(), name=name, now=NOW)
        for mention in reading.mentions
    }
    accused = {host for host, role in found.items() if role is Role.ACCUSED}
    scams = [host.name for host in WORLD.hosts.values() if host.listable]
    assert 0.1 < len(accused & set(scams)) / len(scams) < 0.4
    assert found["t.me"] is Role.PLATFORM
    assert found["police-desk.gov.sg"] is Role.REPORTER
    assert "never.test" not in found


def test_wallets_pass_their_checksums() -> None:
    for operation in WORLD.operations.values():
        assert is_base58check(operation.wallet["tron"], 0x41)
        assert is_base58check(operation.wallet["btc"], 0x00)


def test_registrations_are_read_by_python_whois() -> None:
    operation = next(iter(WORLD.operations.values()))
    known = registered(WORLD, operation.front)
    assert known is not None
    entry = whois.parser.WhoisEntry.load(operation.front, whois_text(known))
    assert entry["registrar"] == operation.registrar[0]
    burst = [registered(WORLD, name) for name in operation.members]
    times = [item.created for item in burst if item]
    assert (max(times) - min(times)).total_seconds() < 3_600


def serving(check: Callable[[Sandbox], Awaitable[None]]) -> None:
    async def main() -> None:
        async with Sandbox(1, 100, Ports.free()) as sandbox:
            await check(sandbox)

    asyncio.run(main())


async def get(sandbox: Sandbox, name: str, path: str = "/", limit: int = 200_000) -> bytes:
    """The first bytes of an answer, read as a careful client would."""
    address = ADDRESSES[0]
    reader, writer = await asyncio.open_connection(address, sandbox.ports.http)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
    data = b""
    try:
        async with asyncio.timeout(1.5):
            while len(data) < limit and (chunk := await reader.read(65_536)):
                data += chunk
                if b"\r\n\r\n" in data and b"Content-Length: " in data:
                    head, _, body = data.partition(b"\r\n\r\n")
                    length = int(head.partition(b"Content-Length: ")[2].split(b"\r\n")[0])
                    if len(body) >= length:
                        break
    except TimeoutError:
        pass
    finally:
        writer.close()
    return data


def test_the_traps_do_what_they_say() -> None:
    async def check(sandbox: Sandbox) -> None:
        async def trap(name: str, path: str = "/") -> bytes:
            return await get(sandbox, f"trap-{name}.test", path)

        assert b"Location: http://127.0.0.1/" in await trap("to-loopback")
        assert b"Location: http://10.0.0.1/" in await trap("to-private")
        assert b"169.254.169.254" in await trap("to-metadata")
        assert b"Location: file:///etc/passwd" in await trap("to-file")
        assert b"Location: http://trap-loop.test/b" in await trap("loop", "/a")
        assert b"/calendar/2027/1" in await trap("calendar", "/calendar/2026/12")
        assert await trap("session", "/a") != await trap("session", "/b")
        assert b"Content-Encoding: gzip" in await trap("bomb")
        assert len(await trap("endless")) >= 200_000
        assert len(await trap("huge")) >= 200_000
        assert (await trap("deep")).count(b"<div>") > 10_000
        assert (await trap("bad-status")).startswith(b"HTTP/9")
        assert len(await trap("big-header")) >= 200_000
        assert (await trap("lying-length")).endswith(b"</title>")
        assert await trap("no-answer") == b""
        assert (await trap("drip")).endswith(b".")
        assert b" 503 " in await trap("late-503")
        assert b" 200 " in await trap("late-503")
        assert sandbox.forbidden == 0

    serving(check)
    assert len(HOSTILE) >= 20


def test_dns_answers_over_udp_and_tcp() -> None:
    async def check(sandbox: Sandbox) -> None:
        async def ask(name: str, kind: str, *, tcp: bool = False) -> Any:
            query = dns.message.make_query(name, kind)
            send = dns.asyncquery.tcp if tcp else dns.asyncquery.udp
            reply = await send(query, "127.0.0.1", port=sandbox.ports.dns, timeout=2)
            return reply.rcode(), [str(item) for rrset in reply.answer for item in rrset]

        world = sandbox.world
        front = next(iter(world.operations.values())).front
        for tcp in (False, True):
            assert await ask(front, "A", tcp=tcp) == (dns.rcode.NOERROR, [world.hosts[front].ip])
        farm = world.by_kind["link_farm"][0]
        assert (await ask(f"anything.{farm}", "A"))[1]
        assert (await ask("trap-nxdomain.test", "A"))[0] == dns.rcode.NXDOMAIN
        assert (await ask("nobody.test", "A"))[0] == dns.rcode.NXDOMAIN
        first, second = [(await ask("trap-rebind.test", "A"))[1] for _ in range(2)]
        assert first != second and "127.0.0.1" in first + second
        _, text = await ask("1.0.64.127.origin.asn.cymru.com", "TXT")
        assert text == ['"64500 | 127.64.0.0/24 | KH | other | 2026-11-01"']
        assert "DEEPROCK" in (await ask("AS64500.asn.cymru.com", "TXT"))[1][0]

    serving(check)


def test_https_shows_the_certificate_of_the_operation() -> None:
    async def check(sandbox: Sandbox) -> None:
        operation = next(iter(sandbox.world.operations.values()))
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        _, writer = await asyncio.open_connection(
            ADDRESSES[0], sandbox.ports.https, ssl=context, server_hostname=operation.front
        )
        der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        names = x509.load_der_x509_certificate(der).extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        )
        assert tuple(names.value.get_values_for_type(x509.DNSName)) == operation.members

    serving(check)


def test_cloaked_sites_show_crawlers_something_else() -> None:
    name = WORLD.by_kind["cloaked"][0]
    operation = WORLD.operations[WORLD.hosts[name].operation]
    plain = fetch(WORLD, f"http://{name}/", {"user-agent": "scamtrail/0.1"})
    shown = fetch(WORLD, f"http://{name}/", BROWSER)
    assert operation.brand not in plain.body.decode(errors="ignore")
    assert operation.brand in shown.body.decode(operation.charset, errors="ignore")


def test_some_pages_declare_a_wrong_charset() -> None:
    wrong = 0
    for operation in WORLD.operations.values():
        if operation.charset != "utf-8":
            body = fetch(WORLD, f"http://{operation.front}/").body
            with pytest.raises(UnicodeDecodeError):
                body.decode("utf-8")
            assert operation.brand in html.parse(body).places["title"]
            wrong += 1
    assert wrong == 3
