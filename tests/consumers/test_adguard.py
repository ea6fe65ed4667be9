"""AdGuard's own engines read our lists and are asked."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("adguard.mjs")


def ask(node: Path, path: Path, names: tuple[str, ...]) -> dict[str, Any]:
    done = subprocess.run(
        ["node", str(SCRIPT), str(node)],
        input=json.dumps({"list": path.read_text("utf-8"), "names": names}),
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_adguard_home_blocks_what_is_listed_and_nothing_beside_it(
    node: Path, public: Path, blocked: tuple[str, ...], innocent: tuple[str, ...]
) -> None:
    guilty = [*blocked, "bad.github.io"]
    found = ask(node, public / "adblock.txt", (*guilty, *innocent))
    assert found["errors"] == 0
    assert found["names"] == guilty


@pytest.mark.parametrize("file", ["adblock.txt", "ublock.txt"])
def test_the_extension_blocks_pages_of_what_is_listed_and_nothing_beside_it(
    node: Path, public: Path, blocked: tuple[str, ...], innocent: tuple[str, ...], file: str
) -> None:
    guilty = [*blocked, "bad.github.io"]
    assert ask(node, public / file, (*guilty, *innocent))["pages"] == guilty


def test_adguard_home_takes_a_hosts_file_for_exact_names(
    node: Path, public: Path, innocent: tuple[str, ...]
) -> None:
    listed = ["win.com", "www.win.com", "slot.shop.com", "bad.github.io"]
    found = ask(node, public / "hosts.txt", (*listed, "x.slot.shop.com", *innocent))
    assert found["names"] == listed
