"""The documents say what the program does."""

import os
import re
import shutil
import subprocess
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from crawler.commands import found
from support import BIN, scamtrail

ROOT = Path(__file__).parents[1]
COMMANDS = {command.name: command for command in found()}


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec and spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("schema", "schema.md"),
        ("configuration", "configuration.md"),
        ("manual", "scamtrail.1"),
    ],
)
def test_generated_documents_are_current(generator: ModuleType, name: str, file: str) -> None:
    lines = getattr(generator, name)()
    assert (ROOT / "docs" / file).read_text("utf-8") == "\n".join(lines) + "\n"


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_the_man_page_is_readable() -> None:
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", str(ROOT / "docs" / "scamtrail.1")],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    shown = re.sub(r"\x1b\[[\d;]*m|.\x08", "", done.stdout)
    for name in COMMANDS:
        assert re.search(rf"^ +{name}\b", shown, re.M), name


def test_the_help_places_every_command_once() -> None:
    done = scamtrail("--help")
    listed = re.findall(r"^  ([a-z]+)  ", done.stdout.partition("Examples:")[0], re.M)
    assert sorted(listed) == sorted(COMMANDS)


def test_the_shell_completes_commands() -> None:
    done = subprocess.run(
        [str(BIN / "scamtrail")], capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "_SCAMTRAIL_COMPLETE": "bash_complete", "COMP_CWORD": "1",
             "COMP_WORDS": "scamtrail data"},
    )  # fmt: skip
    assert done.stdout.split() == ["plain,datasette"]


def test_every_command_that_a_document_names_exists() -> None:
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for command in re.findall(r"scamtrail ([a-z]+) ", path.read_text("utf-8")):
            assert command in COMMANDS or command in ("findings", "practice"), (
                f"{path.name} names scamtrail {command}"
            )


def test_every_command_has_a_help_text() -> None:
    for name, command in COMMANDS.items():
        assert command.help, name


def test_every_table_and_column_described_exists(generator: ModuleType, tmp_path: Path) -> None:
    import yaml

    from crawler.desk import METADATA
    from crawler.store import Store

    tables = yaml.safe_load(METADATA.read_text("utf-8"))["databases"]["findings"]["tables"]
    with Store(tmp_path / "findings.db") as store:
        for table, about in tables.items():
            columns = {column.name for column in store.database.table(table).columns}
            assert columns, table
            assert about["description"]
            assert set(about.get("columns", {})) <= columns
            assert set(about.get("facets", [])) <= columns


def test_links_between_documents_lead_somewhere() -> None:
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text("utf-8")):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_every_promise_names_the_test_that_proves_it() -> None:
    promises = (ROOT / "docs" / "reliability.md").read_text("utf-8").split("## How")[0]
    named = set(re.findall(r"`(\w+_\w+_\w+_\w+)`", promises))
    tests = (ROOT / "tests" / "faults" / "test_faults.py").read_text("utf-8")
    assert len(named) > 15
    assert named == set(re.findall(r"def test_(\w+)\(", tests))
