"""How tests run the command and look at what it leaves."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent
SITES = 150


@dataclass(frozen=True)
class Internet:
    """A running practice internet and what it wrote."""

    folder: Path

    @property
    def truth(self) -> list[dict[str, Any]]:
        lines = (self.folder / "truth.jsonl").read_text("utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def workspace(self, root: Path) -> Path:
        """A fresh workspace on this internet with its sample reports."""
        shutil.copytree(self.folder / "reports", root / "reports")
        shutil.copy(self.folder / "sandbox.toml", root / "scamtrail.toml")
        assert scamtrail("init", root).returncode == 0
        return root


def scamtrail(*arguments: object, timeout: float = 300) -> "subprocess.CompletedProcess[str]":
    """Run the command and wait for it."""
    return subprocess.run(
        [str(BIN / "scamtrail"), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, "COLUMNS": "160"},
        check=False,
    )


def tree(public: Path) -> dict[str, bytes]:
    """Every published file with its bytes."""
    return {
        str(path.relative_to(public)): path.read_bytes()
        for path in sorted(public.rglob("*"))
        if path.is_file()
    }


def names(workspace: Path, place: str = "all/wide") -> set[str]:
    """The names in a published domains.txt."""
    lines = (workspace / "public" / place / "domains.txt").read_text("utf-8").splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def query(workspace: Path, sql: str) -> list[tuple[Any, ...]]:
    """Rows of the findings, read as an analyst's tool would while a run may be under way."""
    address = f"file:{workspace}/findings.db?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=30)) as db:
        return db.execute(sql).fetchall()


def change(workspace: Path, sql: str) -> None:
    """Change the findings by hand, as nobody should."""
    with closing(sqlite3.connect(workspace / "findings.db")) as db:
        db.execute(sql)
        db.commit()
