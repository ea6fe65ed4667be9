"""The documents say what the program does."""

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from crawler.commands import found

ROOT = Path(__file__).parents[1]
COMMANDS = {command.name: command for command in found()}


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec and spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["schema", "configuration"])
def test_generated_documents_are_current(generator: ModuleType, name: str) -> None:
    lines = getattr(generator, name)()
    assert (ROOT / "docs" / f"{name}.md").read_text("utf-8") == "\n".join(lines) + "\n"


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
