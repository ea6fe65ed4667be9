"""The desk in a real browser: complete, quiet, accessible, and safe with what criminals wrote."""

import json
import re
import shutil
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from sqlite3 import connect
from typing import Any

import pytest
import yaml

from crawler.desk import METADATA
from support import BIN, query, scamtrail

pytest.importorskip("playwright", reason="playwright is not installed")

from playwright.sync_api import Browser, Page

from desk import Desk, chromium, chromium_path, serving

pytestmark = pytest.mark.skipif(chromium_path() is None, reason="chromium is not installed")

QUERIES = yaml.safe_load(METADATA.read_text("utf-8"))["databases"]["findings"]["queries"]
AXE = BIN.parent / "consumers" / "node_modules" / "axe-core" / "axe.min.js"
MARKUP = "<script>window.stolen = 1</script><img src=x onerror='window.stolen = 1'>"
# Turns the reading direction, rings the bell, hides: none may reach a page.
CONTROL = "safe\u202egnp.exe\x07\x1b[31m\u200b end"


@dataclass
class Look:
    """A page of the browser and all that it asked and complained of."""

    page: Page
    base: str
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "console",
            lambda said: said.type in ("error", "warning") and self.complaints.append(said.text),
        )

    def goto(self, address: str) -> None:
        answer = self.page.goto(address)
        assert answer and answer.ok, f"{address}: {answer and answer.status}"

    def check(self) -> None:
        outside = [url for url in self.requests if not url.startswith((f"{self.base}/", "data:"))]
        assert outside == []
        assert self.complaints == []


@pytest.fixture(scope="module")
def workspace(watched: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The watched workspace with titles that attack whoever reads them, and a screenshot."""
    root = shutil.copytree(watched, tmp_path_factory.mktemp("desk") / "watch")
    with closing(connect(root / "findings.db")) as db:
        first, second, third = (
            row[0]
            for row in db.execute(
                "SELECT host FROM sites WHERE category = 'gambling' AND operation_id IS NOT NULL"
                " ORDER BY first_seen DESC, host LIMIT 3"
            )
        )
        for host, title in ((first, MARKUP), (second, CONTROL)):
            db.execute("UPDATE sites SET title = ? WHERE host = ?", (title, host))
            db.execute("UPDATE pages SET title = ? WHERE host = ?", (title, host))
            db.execute("UPDATE evidence SET snippet = ? WHERE host = ?", (title, host))
        (root / "shots").mkdir()
        (root / "shots" / "one.png").write_bytes(_PNG)
        db.execute("UPDATE sites SET screenshot = 'shots/one.png' WHERE host = ?", (third,))
        db.execute("UPDATE sites SET screenshot = '../secret.png' WHERE host = ?", (first,))
        (root.parent / "secret.png").write_bytes(_PNG)
        db.commit()
    return root


_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cf"
    "c000000301010018dd8db00000000049454e44ae426082"
)


@pytest.fixture(scope="module")
def desk(workspace: Path) -> Iterator[Desk]:
    with serving(workspace, "--triage") as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def look(browser: Browser, desk: Desk) -> Iterator[Look]:
    context = browser.new_context(viewport={"width": 1100, "height": 800}, locale="en-GB")
    yield Look(context.new_page(), desk.base)
    context.close()


def serious(page: Page) -> list[str]:
    """Violations that axe-core calls serious or critical."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed; make installs it")
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate(
        "axe.run({resultTypes: ['violations']}).then((found) => found.violations)"
    )
    return [
        f"{item['id']}: {node['html'][:160]}"
        for item in found
        if item["impact"] in ("serious", "critical")
        for node in item["nodes"][:5]
    ]


def sample(workspace: Path) -> dict[str, str]:
    """A value for each parameter of the canned queries."""
    ((host, report),) = query(
        workspace,
        "SELECT s.host, m.report_id FROM sites s JOIN mentions m ON m.host = s.host"
        " JOIN listings l ON l.domain = s.host WHERE s.operation_id IS NOT NULL LIMIT 1",
    )
    ((value,),) = query(workspace, "SELECT value FROM identifiers WHERE kind = 'ga4' LIMIT 1")
    return {"host": host, "since": "2000-01-01", "asn": "AS64500", "value": value, "days": "0",
            "country": "kh", "report": report}  # fmt: skip


@pytest.mark.parametrize("name", QUERIES)
def test_a_canned_query_opens(look: Look, desk: Desk, workspace: Path, name: str) -> None:
    values = {key: sample(workspace)[key] for key in QUERIES[name].get("params", [])}
    look.goto(f"{desk.base}/findings/{name}?{urllib.parse.urlencode(values)}")
    assert QUERIES[name]["title"] in look.page.inner_text("h1")
    assert look.page.locator(".rows-and-columns tbody tr").count() or name == "history"
    assert serious(look.page) == []
    look.check()


PAGES = ("", "findings", "findings/sites", "findings/pages", "findings/-/dashboard",
         "findings/-/triage")  # fmt: skip


@pytest.mark.parametrize("width", [1100, 390])
@pytest.mark.parametrize("path", [*PAGES, "site", "operation"])
def test_a_page_is_quiet_accessible_and_fits(
    look: Look, desk: Desk, workspace: Path, path: str, width: int
) -> None:
    host, operation = query(
        workspace,
        "SELECT s.host, s.operation_id FROM sites s JOIN operations o ON o.id = s.operation_id"
        " ORDER BY o.size DESC, s.host LIMIT 1",
    )[0]
    address = {"site": desk.page(f"site/{host}"),
               "operation": desk.page(f"operation/{operation}")}  # fmt: skip
    look.page.set_viewport_size({"width": width, "height": 844})
    look.goto(address.get(path, f"{desk.base}/{path}"))
    if path == "operation":
        look.page.wait_for_selector('.graph[data-settled="yes"]', timeout=60_000)
    if width < 500 or path in ("", "findings/-/triage"):
        assert serious(look.page) == []
    if path in ("site", "operation") or "/-/" in path:
        assert look.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        living = look.page.evaluate(
            "[...document.querySelectorAll('a[href]')]"
            ".map(link => new URL(link.getAttribute('href'), location.href).href)"
        )
        assert [link for link in living if not link.startswith(desk.base)
                and "datasette.io" not in link] == []  # fmt: skip
    look.check()


def test_the_search_finds_a_domain_and_words(look: Look, desk: Desk, workspace: Path) -> None:
    host = sample(workspace)["host"]
    look.goto(desk.page("dashboard"))
    look.page.fill("[role=search] input", f"http://{host.replace('.', '[.]')}/login")
    look.page.press("[role=search] input", "Enter")
    look.page.wait_for_url("**/-/site/*")
    assert look.page.inner_text("h1") == host.replace(".", "[.]")
    look.page.fill("[role=search] input", "สล็อต")
    look.page.press("[role=search] input", "Enter")
    look.page.wait_for_url("**/findings/pages?_search=*")
    assert look.page.locator(".rows-and-columns tbody tr").count()
    look.check()


def test_markup_and_control_characters_stay_text(look: Look, desk: Desk, workspace: Path) -> None:
    def of(title: str) -> str:
        with closing(connect(workspace / "findings.db")) as db:
            row = db.execute("SELECT host FROM sites WHERE title = ?", (title,)).fetchone()
        return str(row[0])

    first, second = of(MARKUP), of(CONTROL)
    for address in (
        desk.page(f"site/{first}"),
        desk.page("dashboard"),
        f"{desk.base}/findings/sites?host={first}",
        f"{desk.base}/findings/evidence?host={first}",
    ):
        look.goto(address)
        assert "<script>window.stolen" in look.page.inner_text("body"), address
        assert look.page.evaluate("window.stolen") is None
    for address in (
        desk.page(f"site/{second}"),
        f"{desk.base}/findings/sites?host={second}",
        f"{desk.base}/findings/evidence?host={second}",
    ):
        look.goto(address)
        source = look.page.content()
        assert not re.search("[\u202e\u200b\x07\x1b]", source), address
        assert "safegnp[.]exe" in source or "safegnp.exe" in source
    look.check()


def test_a_screenshot_is_blurred_until_it_is_asked_for(
    look: Look, desk: Desk, workspace: Path
) -> None:
    ((host,),) = query(workspace, "SELECT host FROM sites WHERE screenshot = 'shots/one.png'")
    look.goto(desk.page(f"site/{host}"))
    picture = look.page.locator(".shot img")
    assert "blur" in picture.evaluate("item => getComputedStyle(item).filter")
    look.page.click(".shot")
    assert picture.evaluate("item => getComputedStyle(item).filter") == "none"
    look.check()


def test_no_picture_from_outside_the_workspace_is_served(desk: Desk, workspace: Path) -> None:
    ((host,),) = query(workspace, "SELECT host FROM sites WHERE screenshot = '../secret.png'")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(desk.page(f"site/{host}/screenshot"), timeout=20)
    assert refused.value.code == 404


def test_a_copy_button_gives_the_real_spelling(look: Look, desk: Desk, workspace: Path) -> None:
    host = sample(workspace)["host"]
    look.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    look.goto(desk.page(f"site/{host}"))
    look.page.click(".headline .copy")
    assert look.page.evaluate("navigator.clipboard.readText()") == host


def test_the_graph_opens_the_site_that_is_chosen_by_key(
    look: Look, desk: Desk, workspace: Path
) -> None:
    ((operation,),) = query(
        workspace, "SELECT id FROM operations WHERE size > 2 ORDER BY size DESC, id LIMIT 1"
    )
    look.goto(desk.page(f"operation/{operation}"))
    look.page.wait_for_selector('.graph[data-settled="yes"]', timeout=60_000)
    look.page.focus("canvas")
    look.page.keyboard.press("ArrowRight")
    named = look.page.inner_text(".graph-name").split(" (")[0]
    look.page.keyboard.press("Enter")
    look.page.wait_for_url("**/-/site/*")
    assert look.page.inner_text("h1") == named
    look.check()


def test_a_case_is_decided_by_keys(look: Look, desk: Desk, workspace: Path) -> None:
    look.goto(desk.deciding)
    assert "token" not in look.page.url
    assert serious(look.page) == []
    look.page.fill("#author", "Mai")
    first = look.page.locator(".case").first
    host = first.get_attribute("data-host")
    first.focus()
    look.page.keyboard.press("c")
    look.page.keyboard.type("wallet of a known operation")
    look.page.keyboard.press("Enter")
    look.page.wait_for_selector(f'.case.done[data-host="{host}"]')
    rows = query(
        workspace,
        "SELECT action, decision, author, reason, judged FROM overrides"
        f" WHERE domain = '{host}' ORDER BY id DESC LIMIT 1",
    )
    assert rows[0][:4] == ("deny", "confirm", "Mai", "wallet of a known operation")
    assert re.fullmatch(r"[a-z_]+ \d\.\d{3}", rows[0][4])
    look.goto(desk.page("triage"))
    assert look.page.locator(f'.case[data-host="{host}"]').count() == 0
    assert "wallet of a known operation" in look.page.inner_text("body")
    look.check()
    examples = [json.loads(line) for line in scamtrail("decisions", "-w", workspace)
                .stdout.splitlines()]  # fmt: skip
    assert {item["label"] for item in examples if host in item["url"]} <= {
        "gambling", "investment", "other_scam"}  # fmt: skip


def post(desk: Desk, headers: dict[str, str], fields: dict[str, str]) -> int:
    body = urllib.parse.urlencode(fields).encode()
    request = urllib.request.Request(desk.page("triage/decide"), data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_nobody_decides_without_the_token_or_from_another_site(
    browser: Browser, desk: Desk, workspace: Path
) -> None:
    host = sample(workspace)["host"]
    fields = {"host": host, "action": "allow", "reason": "mine", "author": "me", "category": ""}
    before = query(workspace, "SELECT count(*) FROM overrides")
    context = browser.new_context()
    page = context.new_page()
    page.goto(desk.deciding)
    cookies = {item["name"]: item["value"] for item in context.cookies()}
    form = {**fields, "csrftoken": page.locator("[name=csrftoken]").first.input_value()}
    context.close()
    signed = "; ".join(f"{name}={value}" for name, value in cookies.items())
    stranger = f"ds_csrftoken={cookies['ds_csrftoken']}"
    assert post(desk, {}, fields) == 403
    assert post(desk, {"Cookie": stranger}, form) == 403
    assert post(desk, {"Cookie": signed}, fields) == 403, "the form's own token is missing"
    evil = {"Cookie": signed, "Origin": "http://evil.example"}
    assert post(desk, evil, form) == 403
    assert post(desk, {"Cookie": signed, "Sec-Fetch-Site": "cross-site"}, form) == 403
    assert post(desk, {"Cookie": signed}, {**form, "reason": " "}) == 400
    assert query(workspace, "SELECT count(*) FROM overrides") == before
    assert all(item["sameSite"] == "Strict" for item in _held(browser, desk))


def _held(browser: Browser, desk: Desk) -> list[Any]:
    context = browser.new_context()
    context.new_page().goto(desk.deciding)
    found = [item for item in context.cookies() if item["name"] == "desk_token"]
    context.close()
    assert found
    return found


@pytest.mark.parametrize(("language", "word"), [("zh", "总览"), ("vi", "Tổng quan")])
def test_the_desk_speaks(browser: Browser, desk: Desk, language: str, word: str) -> None:
    context = browser.new_context(locale=language)
    look = Look(context.new_page(), desk.base)
    look.goto(desk.page("dashboard"))
    assert look.page.inner_text("h1") == word
    assert look.page.get_attribute("html", "lang") == language
    look.check()
    context.close()
