"""scamtrail.toml: every mistake is one line that names file, line and fix."""

import ipaddress
from pathlib import Path

import pytest

from crawler import config

CONTRACT = """\
[network]
dns = ["127.0.0.1:5300"]
allow_private = ["127.0.0.0/8"]
port_map = { "80" = 18080, "443" = 18443 }
[whois]
server = "127.0.0.1:4343"
[rdap]
base = "http://127.0.0.1:18081/"
[crawl]
max_pages_per_site = 8
concurrency = 64
[scale]
redis = ""
[publish]
keep_days = 90
max_removed_percent = 20
"""


def load(tmp_path: Path, text: str) -> config.Config:
    path = tmp_path / "scamtrail.toml"
    path.write_text(text, "utf-8")
    return config.load(path)


def test_the_documented_keys_are_read(tmp_path: Path) -> None:
    loaded = load(tmp_path, CONTRACT)
    assert loaded.nameservers == (("127.0.0.1", 5300),)
    assert loaded.allowed_networks == (ipaddress.ip_network("127.0.0.0/8"),)
    assert loaded.network.port_map == {80: 18080, 443: 18443}
    assert loaded.whois.server == "127.0.0.1:4343"
    assert loaded.publish.max_removed_percent == 20.0


def test_an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    assert load(tmp_path, "") == config.Config()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[crawl]\n\nconcurency = 3\n", ":3: unknown key crawl.concurency; keys are concurrency"),
        ("[crawler]\n", ":1: unknown section 'crawler'; sections are network"),
        ("dns = []\n", ":1: unknown key outside a section 'dns'"),
        ("[crawl]\nconcurrency = 'many'\n", ":2: crawl.concurrency: expects a whole number"),
        ("[crawl]\nconcurrency = true\n", ":2: crawl.concurrency: expects a whole number"),
        ("[crawl]\nconcurrency = 0\n", ":2: crawl.concurrency: must be above 0"),
        ("[crawl]\ndelay = -1\n", ":2: crawl.delay: must not be negative"),
        ("[network]\nallow_private = ['10.0.0.0/99']\n", ":2: network.allow_private:"),
        ("[network]\ndns = ['dns.example']\n", ":2: network.dns:"),
        ("[network]\nport_map = { 'x' = 1 }\n", ":2: network.port_map:"),
        ("[network]\nport_map = { '80' = 70000 }\n", ":2: network.port_map: a port is"),
        ("[rdap]\nbase = 'ftp://x/'\n", ":2: rdap.base: expects an http"),
        ("[publish]\nmax_removed_percent = 150\n", ":2: publish.max_removed_percent: is a share"),
        ("[crawl\n", "not valid TOML"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(config.ConfigError) as raised:
        load(tmp_path, text)
    assert f"{tmp_path}/scamtrail.toml" in str(raised.value)
    assert message in str(raised.value)


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(config.ConfigError, match="scamtrail init"):
        config.load(tmp_path / "scamtrail.toml")


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("192.0.2.1", ("192.0.2.1", 53)),
        ("192.0.2.1:5353", ("192.0.2.1", 5353)),
        ("[2001:db8::1]:5353", ("2001:db8::1", 5353)),
        ("2001:db8::1", ("2001:db8::1", 53)),
    ],
)
def test_endpoints_may_carry_a_port(text: str, result: tuple[str, int]) -> None:
    assert config.endpoint(text, 53) == result
