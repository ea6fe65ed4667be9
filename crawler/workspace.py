"""A workspace: the folder that holds configuration, reports, findings and published lists."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from blocklists.signature import SIGNERS, Signer, new_key, read_key
from crawler import config as configuration
from crawler.config import Config
from crawler.net import AddressGuard, Resolver
from crawler.net.connect import Upstream
from crawler.outcome import Exit, Failure
from crawler.store import Store

Clock = Callable[[], datetime]

CONFIG_NAME = "scamtrail.toml"

_TEMPLATE = """\
# scamtrail configuration; every key and its default: docs/configuration.md

[network]
# Name a contact, so that a site's owner can reach you.
# user_agent = "scamtrail/0.1 (+https://cert.example/scamtrail; abuse@cert.example)"
# dns = ["9.9.9.9"]              # resolvers; the system's when absent

[crawl]
max_pages_per_site = 8
concurrency = 64

[sources]
use = ["official"]               # what a run fetches; scamtrail sources lists them

[publish]
keep_days = 90
max_removed_percent = 20
# contact = "lists@cert.example" # where the owner of a listed site appeals
"""


class WorkspaceError(Failure):
    """The workspace cannot be used; the message names the path and the fix."""


class LockHeldError(Failure):
    """Another run holds the workspace's lock."""

    code = Exit.LOCKED


@dataclass(frozen=True, slots=True)
class Workspace:
    """Paths and configuration of one workspace."""

    root: Path
    config: Config

    @property
    def database(self) -> Path:
        return self.root / "findings.db"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def sources(self) -> Path:
        """The operator's own sources."""
        return self.root / "sources"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def public(self) -> Path:
        return self.root / "public"

    @property
    def policies(self) -> Path:
        """The operator's own policies and registers of licensed operators."""
        return self.root / "policies"

    @property
    def keys(self) -> Path:
        """`signing`, the private key of the lists, and `*.pub` of keys that will follow it."""
        return self.root / "keys"

    @classmethod
    def open(cls, root: Path) -> "Workspace":
        """The workspace in `root`. Raises ConfigError when it is none or is misconfigured."""
        return cls(root, configuration.load(root / CONFIG_NAME))

    @classmethod
    def init(cls, root: Path, config_text: str = _TEMPLATE) -> "Workspace":
        """Make the workspace, or complete one; an existing configuration is kept."""
        try:
            for folder in (root, root / "reports", root / "public"):
                folder.mkdir(parents=True, exist_ok=True)
            path = root / CONFIG_NAME
            if not path.exists():
                part = path.with_suffix(".part")
                part.write_text(config_text, "utf-8")
                part.chmod(0o600)  # it may come to hold a password
                part.replace(path)
        except OSError as error:
            raise WorkspaceError(
                f"{root}: cannot be made: {error.strerror}; choose a folder that you can write"
            ) from error
        workspace = cls.open(root)
        Store(workspace.database).close()
        workspace.signer()
        return workspace

    def signer(self) -> Signer:
        """The key that signs the lists, made when there never was one.

        Raises WorkspaceError for a key that is gone, unusable, or open to other users.
        """
        path = self.keys / "signing"
        try:
            if not path.exists():
                if (self.public / SIGNERS).exists():
                    raise WorkspaceError(
                        f"{path}: is gone, and consumers know its public key; put it back from a "
                        f"copy, or remove {self.public / SIGNERS} to sign with a new key"
                    )
                self.keys.mkdir(mode=0o700, exist_ok=True)
                part = path.with_suffix(".part")
                part.unlink(missing_ok=True)
                handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(handle, "wb") as file:
                    file.write(new_key())
                    file.flush()
                    os.fsync(file.fileno())
                part.replace(path)
            if path.stat().st_mode & 0o077:
                raise WorkspaceError(f"{path}: other users can read it; chmod 600 {path}")
            key = read_key(path.read_bytes())
            following = [
                " ".join(item.read_text("utf-8").split()[:2])
                for item in sorted(self.keys.glob("*.pub"))
            ]
        except OSError as error:
            raise WorkspaceError(
                f"{error.filename or path}: {error.strerror}; check the folder's permissions"
            ) from error
        except ValueError as error:
            raise WorkspaceError(
                f"{path}: {error}; make one with ssh-keygen -t ed25519 -N '' -f {path}"
            ) from error
        return Signer(key, tuple(item for item in following if item.startswith("ssh-ed25519 ")))

    def resolver(self) -> Resolver:
        return Resolver(self.config.nameservers)

    def guard(self) -> AddressGuard:
        return AddressGuard(self.config.allowed_networks)

    def upstream(self) -> Upstream | None:
        """The proxy through which is looked as a victim."""
        proxy = self.config.network.victim_proxy
        return Upstream.of(proxy) if proxy else None

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the lock for one run; the kernel frees it when the process ends in any way.

        Raises LockHeldError at once when another process has it.
        """
        path = self.root / ".lock"
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise WorkspaceError(
                f"{path}: cannot be opened: {error.strerror}; check the folder's permissions"
            ) from error
        try:
            for patience in (0.05, 0.05, 0.0):  # `holder` has it for an instant
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if patience:
                        time.sleep(patience)
                        continue
                    raise LockHeldError(
                        f"{self.root}: another run (pid {_holder(handle)}) holds the lock; "
                        "wait for it to end"
                    ) from None
            os.ftruncate(handle, 0)
            os.pwrite(handle, str(os.getpid()).encode(), 0)
            yield
        finally:
            os.close(handle)

    def holder(self) -> str:
        """The process id of the run under way, "" when there is none."""
        try:
            handle = os.open(self.root / ".lock", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return ""
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _holder(handle)
        finally:
            os.close(handle)
        return ""


def _holder(lock: int) -> str:
    return os.pread(lock, 20, 0).decode("ascii", "replace").strip() or "unknown"
