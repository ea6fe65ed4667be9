"""WHOIS answers in the forms of the region's registries; all of their content is invented."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.enrich import fields, whois
from crawler.names import public_suffix

NOW = datetime(2026, 11, 24, tzinfo=UTC)
SAMPLES = {
    name: text
    for part in Path(__file__).with_name("whois_forms.txt").read_text("utf-8").split("=== ")[1:]
    for name, _, text in [part.partition("\n")]
}
# Registries that give a day, and those that write the time of UTC+8.
DAY_ONLY = {"hk", "in.th", "my"}
BEIJING = {"cn", "tw"}
GENERIC = ("com", "net", "top", "xyz", "vip", "shop", "cc")


@pytest.mark.parametrize("domain", sorted(SAMPLES))
def test_the_form_of_each_registry_is_understood(domain: str) -> None:
    found = whois.parse(domain, SAMPLES[domain], NOW)
    suffix = public_suffix(domain)
    hour = 0 if suffix in DAY_ONLY else 2 if suffix in BEIJING else 10
    assert found.failure == ""
    assert found.registrar
    assert found.created is not None and found.expires is not None
    assert (found.created.date().isoformat(), found.created.hour) == ("2024-01-05", hour)
    assert found.expires.date().isoformat() == "2027-01-05"
    assert f"ns1.{domain}" in found.name_servers
    assert all(" " not in server and "\n" not in server for server in found.name_servers)


@pytest.mark.parametrize("tld", GENERIC)
def test_generic_domains_have_one_form(tld: str) -> None:
    text = SAMPLES["shop88.com"].replace("SHOP88.COM", f"SHOP88.{tld.upper()}")
    found = whois.parse(f"shop88.{tld}", text, NOW)
    assert (found.registrar, found.registrar_iana_id) == ("Some Registrar", "9998")
    assert found.abuse_contact == "abuse@registrar.test"
    assert found.statuses == ("ok",)


def test_what_is_hidden_is_no_owner() -> None:
    text = SAMPLES["shop88.com"] + "Registrant Organization: REDACTED FOR PRIVACY\n"
    assert whois.parse("shop88.com", text, NOW).organisation == ""
    assert whois.parse("shop88.tw", SAMPLES["shop88.tw"], NOW).organisation == ""


# These registries answer nobody by WHOIS (IANA root zone database): the reason is stored.
@pytest.mark.parametrize("tld", ["vn", "kh", "mm"])
def test_a_registry_without_whois_is_found_out_from_iana(tld: str) -> None:
    answer = f"domain:       {tld.upper()}\n\norganisation: Registry\n\nstatus:       ACTIVE\n"
    assert whois.referral(answer) == ""


def test_dnssec_is_read_as_registries_write_it() -> None:
    assert whois.parse("shop88.io", SAMPLES["shop88.io"], NOW).dnssec == "unsigned"
    signed = SAMPLES["shop88.io"].replace("DNSSEC: unsigned", "DNSSEC: signedDelegation")
    assert whois.parse("shop88.io", signed, NOW).dnssec == "signed"


def test_every_generic_and_regional_registry_has_a_server() -> None:
    regional = ("cn", "hk", "tw", "th", "la", "id", "my", "sg", "io")
    assert all(whois.server_for(f"a.{tld}") for tld in (*GENERIC, *regional))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-05T10:11:12Z", "2024-01-05T10:11:12+00:00"),
        ("2024-01-05T10:11:12+07:00", "2024-01-05T03:11:12+00:00"),
        ("2024-01-05 10:11:12 (UTC+8)", "2024-01-05T02:11:12+00:00"),
        ("05-Jan-2024", "2024-01-05T00:00:00+00:00"),
        ("05-01-2024", "2024-01-05T00:00:00+00:00"),
    ],
)
def test_times_are_read_in_their_zone(text: str, expected: str) -> None:
    found = fields.moment(text, "a.test")
    assert found is not None and found.isoformat() == expected


@given(st.text(max_size=60))
def test_any_text_is_a_time_or_none(text: str) -> None:
    found = fields.moment(text, "a.cn")
    assert found is None or found.tzinfo is UTC


@given(st.text(alphabet="abN :.\n\t[]=-()0@", max_size=300), st.sampled_from(sorted(SAMPLES)))
def test_any_answer_is_read_or_refused(text: str, domain: str) -> None:
    found = whois.parse(domain, text, NOW)
    assert found.raw == text
    assert found.failure or found.registrar or found.created


@pytest.mark.parametrize(
    "piece",
    ["Registrar:", "Name Server\n", " ", "a: b\n", "Record created on 1", "\n \n", "((", "x."],
)
@pytest.mark.parametrize("domain", ["a.com", "a.tw", "a.hk", "a.test"])
def test_a_hostile_answer_takes_bounded_time(piece: str, domain: str) -> None:
    whois.parse(domain, piece * (whois.MAX_ANSWER // len(piece)), NOW)
