"""A listed site ends: it leaves the lists with the reason, and comes back when the site does."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from crawler.sandbox import build
from crawler.sandbox.render import Visit, respond
from support import change, names, query, scamtrail
from wire import SITE, Wire, http, wire

WORLD = build(1, 150)
OPERATION = next(item for item in WORLD.operations.values() if item.index == 0)
ENDINGS = {
    "parked": b"<title>%s</title><p>This domain is parked. Buy this domain.</p>",
    "seized": b"<h1>This website has been seized</h1><p>by the Royal Police under a warrant.</p>",
    "sold": b"<title>Garden club</title>"
    + b"<p>Our club meets every Sunday in the garden, and everybody who likes flowers, tea and a"
    b" talk is welcome.</p>" * 4,
    "dead": b"",
}


@contextmanager
def a_site_that_ends(state: dict[str, str], ending: str) -> Iterator[tuple[Wire, str]]:
    """An operation whose front site ends when `state` says so."""
    site = OPERATION.front

    def pages(host: str, path: str) -> bytes:
        if host == site and state["now"] == "ended":
            return http(ENDINGS[ending])
        found = WORLD.find(host)
        if found is None:
            return http(b"", status="404 Not Found")
        made = respond(WORLD, found, Visit(host, path, {}))
        return http(made.body, *(f"{name}: {value}" for name, value in made.fields))

    with wire({name: [(SITE,)] for name in OPERATION.members}, pages) as running:
        yield running, site


@pytest.mark.parametrize("ending", sorted(ENDINGS))
def test_an_entry_leaves_with_the_reason_and_comes_back(ending: str, tmp_path: Path) -> None:
    state = {"now": "live"}
    with a_site_that_ends(state, ending) as (running, site):
        root = tmp_path / "watch"
        root.mkdir()
        (root / "scamtrail.toml").write_text(
            f'[network]\ndns = ["127.0.0.1:{running.dns}"]\nallow_private = ["127.64.0.0/10"]\n'
            f'port_map = {{ "80" = {running.web} }}\n[crawl]\ndelay = 0\nip_rate = 0\n'
            '[render]\nuse = "never"\n',
            "utf-8",
        )
        assert scamtrail("init", root).returncode == 0
        report = root / "reports" / "warning.txt"
        report.write_text(f"Police warn of the fake site http://{site}/ of {OPERATION.brand}.")

        def stages(*stages: tuple[object, ...]) -> None:
            for name, *rest in stages:
                done = scamtrail(name, "-w", root, *rest)
                assert done.returncode == 0, (name, done.stderr)

        def visit_again() -> None:
            change(root, "UPDATE sites SET last_checked = '2026-01-01T00:00:00Z'")
            stages(("recheck",), ("publish", "--force"))

        stages(("ingest", report), ("crawl",), ("publish", "--force"))
        assert site in names(root)
        state["now"] = "ended"
        if ending == "dead":
            running.names[site] = None
        visit_again()
        assert site not in names(root)
        assert len(names(root)) > 1, "the other sites of the operation stay"
        left = f"SELECT removal_reason FROM listings WHERE domain = '{site}'"
        reason = query(root, left)[0][0]
        assert reason
        status = query(root, f"SELECT status FROM sites WHERE host = '{site}'")
        assert status == [(ending if ending != "sold" else "live",)]
        state["now"] = "live"
        running.names[site] = [(SITE,)]
        visit_again()
        assert site in names(root)
