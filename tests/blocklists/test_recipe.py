"""What `scamtrail compile` does by a recipe: our TOML, and HostlistCompiler's JSON."""

import json
from pathlib import Path

import pytest

from blocklists.recipe import RecipeError, load, matching
from support import scamtrail

RECIPE = """
name = "Ours"
homepage = "https://lists.example"
licence = "CC0-1.0"
formats = ["domains", "adblock"]
allow = ["allow.txt"]
exclude = ["*.cdn-like.com"]
top = "top.csv"
top_count = 2

[[sources]]
name = "hosts"
path = "hosts.txt"
exclude = ["/^win[0-9]/"]

[[sources]]
path = "rules.txt"
transformations = ["RemoveModifiers"]

[[sources]]
path = "theirs.txt"
transformations = ["InvertAllow"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = {
        "hosts.txt": "0.0.0.0 bad.com\n0.0.0.0 win1.com\n0.0.0.0 big.com\n0.0.0.0 a.cdn-like.com\n",
        "rules.txt": "||bet.com^$third-party\n||lot.com^$domain=shop.com\n||third.com^\n||x.com^\n",
        "theirs.txt": "||x.com^\n",
        "allow.txt": "ours.com\n",
        "top.csv": "1,www.big.com\n2,second.com\n3,third.com\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def names(path: Path) -> list[str]:
    return sorted(line for line in path.read_text().splitlines() if line and line[0] != "#")


def test_a_recipe_says_what_becomes_of_each_list(folder: Path) -> None:
    (folder / "ours.toml").write_text(RECIPE)
    done = scamtrail("compile", "-c", folder / "ours.toml", "-o", folder / "out", "--json")
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (folder / "out").iterdir()} == {"domains.txt", "adblock.txt"}
    assert names(folder / "out/domains.txt") == ["bad.com", "bet.com", "third.com"]
    report = json.loads(done.stdout)
    assert report["lists"]["hosts"]["excluded"] == 1
    assert report["dropped"] == {
        "a rule with conditions": 1,
        "a top site, or above one": 1,
        "allowed": 1,
        "an exception, which keeps its name out": 1,
        "excluded": 2,
    }
    header = (folder / "out/domains.txt").read_text()
    assert "# Title: Ours\n" in header and "# Homepage: https://lists.example\n" in header


def test_the_configuration_of_hostlistcompiler_is_taken_as_it_is(folder: Path) -> None:
    config = {
        "name": "Theirs", "description": "x", "homepage": "https://a.example", "license": "GPLv3",
        "version": "1.0.0",
        "sources": [
            {"name": "local", "source": "rules.txt", "type": "adblock",
             "transformations": ["RemoveComments", "Compress", "RemoveModifiers"],
             "exclusions": ["||third.com^"], "inclusions": ["*"]},
            {"source": "hosts.txt", "type": "hosts"},
        ],
        "transformations": ["Deduplicate", "Validate", "InsertFinalNewLine", "TrimLines"],
        "exclusions": ["*win*"], "exclusions_sources": ["theirs.txt"], "inclusions": [],
    }  # fmt: skip
    (folder / "configuration.json").write_text(json.dumps(config))
    done = scamtrail(
        "compile", "-c", folder / "configuration.json", "-o", folder / "out", "--format", "domains"
    )
    assert done.returncode == 0, done.stderr
    assert names(folder / "out/domains.txt") == ["a.cdn-like.com", "bad.com", "bet.com", "big.com"]
    assert "# Title: Theirs\n# Licence: GPLv3\n" in (folder / "out/domains.txt").read_text()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no sources; name at least one with its path"),
        ("sources = 7", "no sources"),
        ("[[sources]]\nname = 'x'", "source 1 has no path"),
        ("[[sources]]\npath = 'none.txt'", "no file .*none.txt"),
        ("[[sources]]\npath = 'https://a.example/x'", "download it and name the file"),
        ("[[sources]]\npath = 'hosts.txt'\ncolour = 1", "unknown key 'colour' in source 1; keys"),
        ("colour = 1\n[[sources]]\npath = 'hosts.txt'", "unknown key 'colour' in the file"),
        ("exclude = 'x'\n[[sources]]\npath = 'hosts.txt'", "exclude: expects a list of strings"),
        ("exclude = ['/(/']\n[[sources]]\npath = 'hosts.txt'", "exclude: .* is no expression"),
        (
            "transformations = ['Sort']\n[[sources]]\npath = 'hosts.txt'",
            "transformations: no 'Sort'; there are: Compress, ",
        ),
        (
            "transformations = ['ValidateAllowIp']\n[[sources]]\npath = 'hosts.txt'",
            "addresses are left out",
        ),
        ("name = 7\n[[sources]]\npath = 'hosts.txt'", "name: expects a string"),
        ("name = ", "Invalid value"),
    ],
)
def test_a_recipe_that_cannot_be_used_is_named_with_the_fix(
    folder: Path, text: str, message: str
) -> None:
    (folder / "bad.toml").write_text(text)
    with pytest.raises(RecipeError, match=rf"bad\.toml: {message}|bad\.toml: .*{message}"):
        load(folder / "bad.toml")


def test_the_command_ends_with_the_error_of_its_recipe(folder: Path) -> None:
    (folder / "bad.toml").write_text("colour = 1")
    done = scamtrail("compile", "-c", folder / "bad.toml", "-o", folder / "out")
    assert done.returncode == 2 and "bad.toml" in done.stderr
    assert not (folder / "out").exists()


def test_nothing_to_compile_is_said(tmp_path: Path) -> None:
    done = scamtrail("compile", "-o", tmp_path)
    assert done.returncode == 2
    assert "name files, or a recipe with --config" in done.stderr


def test_patterns_mean_names_as_hostlistcompiler_writes_them() -> None:
    listed = {"win.com", "a.win.com", "winner.com", "bet.com"}
    assert matching(["||win.com^"], listed) == {"win.com"}
    assert matching(["0.0.0.0 bet.com"], listed) == {"bet.com"}
    assert matching(["*.win.com", "bet.*"], listed) == {"a.win.com", "bet.com"}
    assert matching(["/^win/"], listed) == {"win.com", "winner.com"}
    assert matching(["none.com"], listed) == set()
