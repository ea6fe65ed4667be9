"""Registration, DNS, hosting and certificate, against the practice servers and hostile ones."""

import asyncio
import base64
import ipaddress
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import mmh3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.enrich import Clients, dns, enrich, favicon, hosting, rdap, tls, whois
from crawler.model import Enrichment
from crawler.net import AddressGuard, Answer, Resolver
from crawler.sandbox import Ports, Sandbox
from crawler.sandbox.registration import rdap_object, registered, whois_text
from crawler.sandbox.world import build

NOW = datetime(2026, 11, 24, tzinfo=UTC)
WORLD = build(1, 100)


def clients(ports: Ports) -> Clients:
    return Clients(
        resolver=Resolver((("127.0.0.1", ports.dns),)),
        guard=AddressGuard((ipaddress.ip_network("127.64.0.0/10"),)),
        port_map={80: ports.http, 443: ports.https},
        whois_server=f"127.0.0.1:{ports.whois}",
        rdap_base=f"http://127.0.0.1:{ports.rdap}/",
        timeout=2,
    )


async def collect(hosts: list[str], given: Clients) -> dict[str, Enrichment]:
    return {
        item.host: item
        async for item in enrich(
            hosts, given, now=lambda: NOW, concurrency=16, probe_label=lambda name: "probe-x1"
        )
    }


@pytest.fixture(scope="module")
def looked_up() -> dict[str, Enrichment]:
    async def main() -> dict[str, Enrichment]:
        ports = Ports.free()
        async with Sandbox(1, 100, ports):
            return await collect(sorted(WORLD.hosts), clients(ports))

    return asyncio.run(main())


def test_every_host_is_accounted_for(looked_up: dict[str, Enrichment]) -> None:
    assert set(looked_up) == set(WORLD.hosts)


def test_a_site_has_all_parts(looked_up: dict[str, Enrichment]) -> None:
    operation = next(iter(WORLD.operations.values()))
    found = looked_up[operation.front]
    registration = next(item for item in found.registration if not item.failure)
    assert registration.registrar == operation.registrar[0]
    assert registration.registrar_iana_id == operation.registrar[1]
    assert registration.abuse_contact == operation.registrar[2]
    assert set(registration.name_servers) == set(operation.name_servers)
    assert registration.created and registration.created.tzinfo
    assert registration.raw
    records = {(item.type, item.value) for item in found.dns}
    assert ("A", WORLD.hosts[operation.front].ip) in records
    assert ("NS", operation.name_servers[0]) in records
    (network,) = found.hosting
    assert (network.asn, network.as_name.split()[0]) == (64500, "DEEPROCK-HOSTING")
    assert found.certificate is not None
    assert set(operation.members) == set(found.certificate.names)
    assert found.certificate.not_after > NOW - (NOW - found.certificate.not_before)


def test_sites_of_an_operation_show_one_certificate(looked_up: dict[str, Enrichment]) -> None:
    operation = next(iter(WORLD.operations.values()))
    shown = {
        looked_up[name].certificate.sha256
        for name in operation.members
        if looked_up[name].certificate and WORLD.hosts[name].kind == "operator"
    }
    assert len(shown) == 1


def test_failures_of_one_protocol_are_kept_and_the_other_answers(
    looked_up: dict[str, Enrichment],
) -> None:
    failures = {
        (item.source, item.failure)
        for found in looked_up.values()
        for item in found.registration
        if item.failure
    }
    assert {("rdap", "quota"), ("rdap", "status 500")} <= failures
    fallen_back = [
        found
        for found in looked_up.values()
        if [item.source for item in found.registration] == ["rdap", "whois"]
        and found.registration[0].failure
        and not found.registration[1].failure
    ]
    assert fallen_back


def test_wildcards_and_dead_names_are_seen(looked_up: dict[str, Enrichment]) -> None:
    farm = WORLD.by_kind["link_farm"][0]
    assert any(item.type == "WILDCARD" and item.value for item in looked_up[farm].dns)
    site = WORLD.by_kind["school"][0]
    assert not any(item.type == "WILDCARD" for item in looked_up[site].dns)
    dead = looked_up["trap-nxdomain.test"]
    assert any(item.failure == "nxdomain" for item in dead.dns)
    assert dead.certificate is None


def test_tenants_get_no_registration_of_their_own(looked_up: dict[str, Enrichment]) -> None:
    tenant = next(name for name in WORLD.hosts if name.endswith(".tenantpages.test"))
    assert looked_up[tenant].registration == ()


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]


def ask_whois(serve: Serve) -> Any:
    async def main() -> Any:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        try:
            given = Clients(
                resolver=Resolver((("127.0.0.1", 9),), timeout=0.1),
                guard=AddressGuard(),
                port_map={},
                whois_server=f"127.0.0.1:{port}",
                rdap_base=f"http://127.0.0.1:{port}/",
                timeout=0.7,
            )
            found = await collect(["site.test"], given)
            return found["site.test"].registration
        finally:
            server.close()

    return asyncio.run(main())


def sending(data: bytes, pause: float = 0.0) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readline()
            writer.write(data)
            await writer.drain()
            await asyncio.sleep(pause)
        except ConnectionError:
            pass
        finally:
            writer.close()

    return serve


@pytest.mark.parametrize(
    ("serve", "failure"),
    [
        (sending(b"", 5), "timeout"),
        (sending(b""), "empty answer"),
        (sending(b"x" * 10_000_000), "too long"),
        (sending(b"<html><body>Too fast</body></html>"), "an HTML page instead of an answer"),
        (sending(b"Query rate limit exceeded. Try again later.\r\n"), "quota"),
        (sending(b'No match for "SITE.TEST".\r\n'), "not found"),
        (sending("Registrar: Жук\r\n".encode("koi8-r")), ""),
    ],
    ids=["hangs", "empty", "endless", "html", "quota", "absent", "encoding"],
)
def test_a_whois_server_that_misbehaves_costs_one_failure(serve: Serve, failure: str) -> None:
    last = ask_whois(serve)[-1]
    assert last.source == "whois"
    assert last.failure == failure or (failure == "" and last.raw)


def test_whois_and_rdap_say_the_same_of_a_domain() -> None:
    domain = next(iter(WORLD.operations.values())).front
    known = registered(WORLD, domain)
    assert known is not None
    one = whois.parse(domain, whois_text(known), NOW)
    other = rdap.parse(domain, 200, json.dumps(rdap_object(known)).encode(), NOW)
    assert one.failure == other.failure == ""
    for field in ("registrar", "registrar_iana_id", "created", "expires", "abuse_contact"):
        assert getattr(one, field) == getattr(other, field), field
    assert one.name_servers == other.name_servers


@pytest.mark.parametrize(
    ("status", "body", "failure"),
    [
        (404, b"{}", "not found"),
        (429, b"", "quota"),
        (503, b"", "status 503"),
        (200, b"not json", "not understood: JSONDecodeError"),
        (200, b"[]", "not an RDAP domain object"),
        (200, b'{"objectClassName": "domain", "events": 7}', "not understood: TypeError"),
        (
            200,
            b'{"objectClassName": "domain", "entities": ["x"]}',
            "not understood: AttributeError",
        ),
    ],
)
def test_an_rdap_answer_that_is_none_is_a_failure(status: int, body: bytes, failure: str) -> None:
    found = rdap.parse("site.test", status, body, NOW)
    assert found.failure == failure
    assert found.raw == body.decode()


_FIELDS = ("events", "entities", "roles", "vcardArray", "status", "nameservers", "ldhName")
_JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_FIELDS), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(_JSON)
def test_rdap_of_any_shape_never_raises(value: Any) -> None:
    document = {"objectClassName": "domain", **(value if isinstance(value, dict) else {})}
    rdap.parse("site.test", 200, json.dumps(document).encode(), NOW)


def test_the_registrys_own_service_is_chosen() -> None:
    assert rdap.url_for("a.com", "") == "https://rdap.verisign.com/com/v1/domain/a.com"
    assert rdap.url_for("a.unknown", "") == ""
    assert whois.server_for("a.com") == "whois.verisign-grs.com"
    assert whois.server_for("a.sg") == "whois.sgnic.sg"
    assert whois.server_for("a.unheard") == ""
    assert (
        whois.referral("domain: VN\nwhois:        whois.example\nstatus: ACTIVE\n")
        == "whois.example"
    )
    assert whois.referral("domain: KH\n\nstatus: ACTIVE\n") == ""


def test_a_local_table_answers_for_networks(tmp_path: Path) -> None:
    path = tmp_path / "asn.tsv"
    path.write_text(
        "192.0.2.0\t192.0.2.255\t64500\tZZ\tONE\n198.51.100.0\t198.51.100.9\t0\tNone\t-\n"
    )
    table = hosting.AsnTable.load(path)
    assert table.look_up("192.0.2.77", NOW).asn == 64500
    assert table.look_up("198.51.100.1", NOW).failure == "not announced"
    assert table.look_up("203.0.113.1", NOW).failure == "not announced"
    path.write_text("nonsense\n")
    with pytest.raises(ValueError, match=r"asn\.tsv:1: not start, end, asn"):
        hosting.AsnTable.load(path)


@pytest.mark.parametrize(
    "row",
    [
        {"autonomous_system_number": 64500, "autonomous_system_organization": "ONE"},
        {"asn": "AS64500", "as_name": "ONE", "country_code": "ZZ"},
    ],
    ids=["GeoLite2 and DB-IP", "IPinfo"],
)
def test_a_maxmind_database_answers_for_networks(tmp_path: Path, row: dict[str, Any]) -> None:
    writer = pytest.importorskip("mmdb_writer", reason="pip install mmdb-writer")
    netaddr = pytest.importorskip("netaddr")
    made = writer.MMDBWriter(4, "GeoLite2-ASN")
    made.insert_network(netaddr.IPSet(["192.0.2.0/24"]), row)
    path = tmp_path / "asn.mmdb"
    made.to_db_file(str(path))
    table = hosting.load(path)
    found = table.look_up("192.0.2.77", NOW)
    assert (found.asn, found.as_name, found.prefix) == (64500, "ONE", "192.0.2.0/24")
    assert table.look_up("203.0.113.1", NOW).failure == "not announced"
    assert table.look_up("2001:db8::1", NOW).failure.startswith("not understood")
    path.write_bytes(b"nonsense")
    with pytest.raises(ValueError, match="no MaxMind database"):
        hosting.load(path)


def test_a_bootstrap_registry_is_read_and_anything_else_refused() -> None:
    document = {
        "version": "1.0",
        "services": [
            [["com", "xn--fiqs8s"], ["http://old.test/", "https://new.test/"]],
            [["odd"], ["ftp://nowhere.test/"]],
        ],
    }
    table = rdap.bootstrap(json.dumps(document).encode())
    assert table == {"com": "https://new.test/", "xn--fiqs8s": "https://new.test/"}
    assert rdap.url_for("a.com", "", table) == "https://new.test/domain/a.com"
    for body in (b"", b"<html>", b"[]", b'{"services": [7]}', b'{"services": []}'):
        with pytest.raises(ValueError, match="no RDAP bootstrap registry"):
            rdap.bootstrap(body)


def test_the_owner_of_a_network_and_its_abuse_contact_are_named(
    looked_up: dict[str, Enrichment],
) -> None:
    operation = next(iter(WORLD.operations.values()))
    (network,) = looked_up[operation.front].hosting
    assert network.organisation == "Deeprock Bullet Hosting"
    assert network.abuse_contact == "abuse@deeprock.test"
    assert rdap.network_url("192.0.2.1", "apnic", "") == "https://rdap.apnic.net/ip/192.0.2.1"
    assert rdap.network_url("192.0.2.1", "", "") == ""
    for body in (b"", b"[]", b'{"objectClassName": "ip network", "entities": 7}'):
        assert rdap.parse_network(200, body) == ("", "")


def test_a_favicon_is_counted_as_search_engines_do(looked_up: dict[str, Enrichment]) -> None:
    icon = b"\x89PNG\r\n\x1a\n" + bytes(range(100))
    assert favicon.shodan_hash(200, icon) == str(mmh3.hash(base64.encodebytes(icon)))
    assert favicon.shodan_hash(404, icon) == favicon.shodan_hash(200, b"<html>") == ""
    first, second, *_ = WORLD.operations.values()
    shown = {
        operation.id: {
            looked_up[name].favicon
            for name in operation.members
            if WORLD.hosts[name].kind == "operator"
        }
        for operation in (first, second)
    }
    assert all(len(found) == 1 and "" not in found for found in shown.values())
    assert shown[first.id] != shown[second.id]


def test_aliases_are_kept() -> None:
    answer = Answer("a.test", "A", ("192.0.2.1",), 60, "", ("b.test", "c.test"))
    found = [(item.type, item.value) for item in dns.records("a.test", "A", answer, NOW)]
    assert found == [("CNAME", "b.test"), ("CNAME", "c.test"), ("A", "192.0.2.1")]


def test_a_key_that_is_used_again_is_known_by_its_hash(looked_up: dict[str, Enrichment]) -> None:
    found = looked_up[next(iter(WORLD.operations.values())).front].certificate
    assert found is not None and len(found.key_sha256) == 64 != found.sha256


def test_a_certificate_that_is_none_is_a_failure() -> None:
    assert tls.parse("a.test", b"not der", NOW).failure.startswith("not understood")


def test_nothing_is_looked_up_at_forbidden_addresses() -> None:
    async def main() -> dict[str, Enrichment]:
        ports = Ports.free()
        async with Sandbox(1, 100, ports) as sandbox:
            strict = replace(clients(ports), guard=AddressGuard())
            found = await collect(["127.0.0.1", WORLD.by_kind["school"][0]], strict)
            assert sandbox.forbidden == 0
            return found

    found = asyncio.run(main())
    school = found[WORLD.by_kind["school"][0]]
    assert school.certificate is not None and school.certificate.failure == "guard"
