"""What the tutorial and the guide for contributors tell people to type, typed."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from support import BIN, Internet

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def blocks(text: str, *languages: str) -> list[tuple[str, str]]:
    """(language, code) of the fenced blocks in these languages, in order."""
    found = re.findall(r"^```(\w+)\n(.*?)^```$", text, re.M | re.S)
    return [(language, code) for language, code in found if language in languages]


def shell(code: str, folder: Path, **environment: str) -> None:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", code], cwd=folder, capture_output=True, text=True,
        timeout=600, check=False,
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", **environment},
    )  # fmt: skip
    assert done.returncode == 0, f"{code}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


@pytest.mark.slow
def test_the_tutorial_works_as_it_stands(tmp_path: Path) -> None:
    text = (DOCS / "tutorial.md").read_text("utf-8")
    shell("\n".join(code for _, code in blocks(text, "sh")), tmp_path)
    assert (tmp_path / "pack" / "index.md").exists()
    for picture in re.findall(r"!\[.+?\]\((.+?)\)", text):
        assert (DOCS / picture).exists(), picture


def test_the_examples_for_contributors_work(internet: Internet, tmp_path: Path) -> None:
    for package in ("crawler", "blocklists", "spiders"):
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    config = tomllib.loads((internet.folder / "sandbox.toml").read_text("utf-8"))
    text = (DOCS / "contributor.md").read_text("utf-8").partition("## Worked examples")[2]
    assert len(re.findall("^### ", text, re.M)) == 4
    for language, code in blocks(text, "python", "toml", "sh"):
        if language == "sh":
            shell(
                code.replace("python3", sys.executable), tmp_path, PYTHONPATH=str(tmp_path),
                PRACTICE_DNS=config["network"]["dns"][0],
            )  # fmt: skip
        else:
            name, _, rest = code.partition("\n")
            (tmp_path / name.removeprefix("# ")).write_text(rest, "utf-8")
