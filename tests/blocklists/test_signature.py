"""The signature, verified with the commands that the documents give to consumers."""

import re
import shutil
import stat
import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from blocklists.config import PublishConfig
from blocklists.release import publish
from blocklists.select import Selection
from blocklists.signature import VERIFY, Signer, new_key, read_key
from crawler.model import Listing
from support import scamtrail

DOCS = Path(__file__).parents[2] / "docs"
CONFIG = PublishConfig()

pytestmark = pytest.mark.skipif(
    not shutil.which("ssh-keygen"), reason="needs the Debian package openssh-client"
)


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer(read_key(new_key()))


@pytest.fixture
def public(tmp_path: Path, listing: Callable[..., Listing], signer: Signer, now: datetime) -> Path:
    selection = Selection((listing("win.com"),), ())
    publish(selection, tmp_path / "public", now=now, config=CONFIG, signer=signer)
    return tmp_path / "public"


def documented() -> str:
    text = (DOCS / "isp.md").read_text("utf-8")
    return re.search(r"## Verify.*?```sh\n(.*?)```", text, re.DOTALL)[1]


def verifies(public: Path, command: str = "") -> bool:
    done = subprocess.run(
        ["sh", "-c", command or documented()], cwd=public, capture_output=True, check=False
    )
    return done.returncode == 0


def test_the_documented_command_accepts_what_was_published(public: Path) -> None:
    assert verifies(public)
    assert documented().strip() == VERIFY


def test_a_pull_of_a_few_files_verifies(public: Path, tmp_path: Path) -> None:
    pulled = tmp_path / "pulled"
    (pulled / "all/wide").mkdir(parents=True)
    for name in ("SHA256SUMS", "SHA256SUMS.sig", "allowed_signers", "all/wide/rpz.zone"):
        shutil.copy(public / name, pulled / name)
    assert verifies(pulled)
    (pulled / "all/wide/rpz.zone").write_text("bank.com CNAME .\n")
    assert not verifies(pulled)


@pytest.mark.parametrize(
    "name",
    [
        "all/wide/rpz.zone", "manifest.json", "index.html", "feed.xml", "SHA256SUMS",
        "SHA256SUMS.sig",
    ],
)  # fmt: skip
def test_one_changed_byte_fails_the_documented_command(public: Path, name: str) -> None:
    content = bytearray((public / name).read_bytes())
    content[len(content) // 2] ^= 1
    (public / name).write_bytes(content)
    assert not verifies(public)


def test_sums_signed_with_another_key_are_refused(
    public: Path, tmp_path: Path, listing: Callable[..., Listing], now: datetime
) -> None:
    forged = tmp_path / "forged"
    selection = Selection((listing("bank.com"),), ())
    publish(selection, forged, now=now, config=CONFIG, signer=Signer(read_key(new_key())))
    assert verifies(forged)
    shutil.copy(public / "allowed_signers", forged / "allowed_signers")
    assert not verifies(forged)


def test_the_manifest_has_its_own_signature(public: Path) -> None:
    command = documented().splitlines()[0].removesuffix("&&").replace("SHA256SUMS", "manifest.json")
    assert verifies(public, command)
    (public / "manifest.json").write_text("{}")
    assert not verifies(public, command)


def test_openssh_signs_the_same_bytes(public: Path, tmp_path: Path) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    theirs = subprocess.run(
        ["ssh-keygen", "-Y", "sign", "-f", str(key), "-n", "scamtrail"],
        input=b"text", capture_output=True, check=True,
    ).stdout  # fmt: skip
    signer = Signer(read_key(key.read_bytes()))
    assert signer.sign(b"text").encode() == theirs
    shown = subprocess.run(
        ["ssh-keygen", "-lf", str(key)], capture_output=True, text=True, check=True
    ).stdout
    assert signer.fingerprint in shown


def test_a_key_announced_before_it_signs_is_accepted_after(
    tmp_path: Path, listing: Callable[..., Listing], now: datetime
) -> None:
    old, new = read_key(new_key()), read_key(new_key())
    public = tmp_path / "public"
    selection = Selection((listing("win.com"),), ())
    announcing = Signer(old, (Signer(new).public,))
    publish(selection, public, now=now, config=CONFIG, signer=announcing)
    assert verifies(public)
    kept = (public / "allowed_signers").read_bytes()
    publish(selection, public, now=now + timedelta(days=30), config=CONFIG, signer=Signer(new))
    assert (public / "allowed_signers").read_text().count("\n") == 1
    shutil.copy(public / "allowed_signers", tmp_path / "theirs")
    (tmp_path / "kept").write_bytes(kept)
    assert verifies(public, documented().replace("-f allowed_signers", f"-f {tmp_path}/kept"))


def test_signatures_of_a_tree_that_is_signed_no_more_disappear(
    public: Path, listing: Callable[..., Listing], now: datetime
) -> None:
    publish(Selection((listing("win.com"),), ()), public, now=now, config=CONFIG)
    assert not list(public.glob("*.sig")) and not (public / "allowed_signers").exists()


def test_a_workspace_gets_one_key_that_only_its_owner_can_read(tmp_path: Path) -> None:
    root = tmp_path / "watch"
    assert scamtrail("init", root).returncode == 0
    key = root / "keys" / "signing"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
    made = key.read_bytes()
    assert scamtrail("init", root).returncode == 0
    assert scamtrail("publish", "-w", root).returncode == 0
    assert key.read_bytes() == made
    assert verifies(root / "public")

    key.chmod(0o640)
    refused = scamtrail("publish", "-w", root)
    assert refused.returncode == 1 and f"chmod 600 {key}" in refused.stderr
    key.chmod(0o600)
    key.write_text("nonsense")
    assert "no OpenSSH private key" in scamtrail("publish", "-w", root).stderr
    key.unlink()
    gone = scamtrail("publish", "-w", root)
    assert gone.returncode == 1 and "put it back from a copy" in gone.stderr
    assert not key.exists()
