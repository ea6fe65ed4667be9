"""The Datasette plugin: pages of sites and operations, dashboard, triage, and safe cells.

Datasette finds it by its entry point. It acts on databases that are findings and leaves others
alone; `settings` is what `scamtrail datasette` sets before it starts Datasette.
"""

from __future__ import annotations

import asyncio
import copy
import hmac
import json
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from sqlite3 import Connection
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit
from weakref import WeakKeyDictionary

import yaml
from datasette import hookimpl
from datasette.utils.asgi import Forbidden, NotFound, Request, Response
from itsdangerous import BadSignature
from jinja2 import Environment
from jinja2.ext import Extension
from markupsafe import Markup, escape

from crawler.desk import METADATA, Settings, charts, overview, site, triage
from crawler.desk.plugin import plain_csv
from crawler.desk.texts import accepted, choose, languages, translator
from crawler.names import defang, printable
from crawler.store import Store, StoreError

# Datasette loads this module while its own are half loaded, so they are only named here.
if TYPE_CHECKING:
    from datasette.app import Datasette
    from datasette.database import Database

settings = Settings()


# Only this server is ever asked for anything, and no script runs that it did not write: Datasette's
# own inline scripts get the nonce by way of their templates, never by way of data.
POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
# Not Datasette's own place for them: its name depends on how the plugin was loaded.
STATIC = "/-/scamtrail"
FILES = {"desk.css": "text/css", "desk.js": "text/javascript", "graph.js": "text/javascript",
         "triage.js": "text/javascript"}  # fmt: skip
MAX_FORM = 20_000
PICTURES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"}
HOST_COLUMNS = frozenset({"host", "from_host", "to_host", "domain", "registered_domain"})

_findings: WeakKeyDictionary[Datasette, tuple[str, ...]] = WeakKeyDictionary()


@dataclass(slots=True)
class Reading:
    """A connection of Datasette's as our queries take it."""

    connection: Connection


# Which databases are findings, and what Datasette is told of them


@hookimpl
def startup(datasette: Datasette) -> Callable[[], Awaitable[None]]:
    async def look() -> None:
        from datasette import handle_exception

        # Datasette 0.65 prints every error with rich, which later versions of rich refuse outside
        # `except`: each page not found became an error of the server. The plain traceback stays.
        handle_exception.rich = None
        found = []
        for name, database in datasette.databases.items():
            tables = set(await database.table_names())
            if {"sites", "evidence", "listings", "overrides"} <= tables:
                found.append(name)
        _findings[datasette] = tuple(found)

    return look


@hookimpl
def get_metadata(datasette: Datasette) -> dict[str, Any]:
    names = _findings.get(datasette, ())
    if not names:
        return {}
    ours = copy.deepcopy(_metadata())
    about = ours.pop("databases")["findings"]
    shown = {"databases": dict.fromkeys(names, about)}
    others = set(datasette.databases) - set(names) - {"_internal", "_memory"}
    return shown if others else {**ours, **shown}


_read: dict[str, Any] = {}


def _metadata() -> dict[str, Any]:
    if not _read:
        _read.update(yaml.safe_load(METADATA.read_text("utf-8")))
    return _read


# Safety and looks of every page


@hookimpl
def asgi_wrapper(datasette: Datasette) -> Callable[[Any], Any]:
    def wrap(app: Any) -> Any:
        app = plain_csv.wrap(app)

        async def safe(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
            if scope["type"] != "http" or not _findings.get(datasette):
                await app(scope, receive, send)
                return
            nonce = scope["desk_nonce"] = secrets.token_urlsafe(16)

            async def send_safely(event: MutableMapping[str, Any]) -> None:
                if event["type"] == "http.response.start":
                    event["headers"] = [
                        *event.get("headers", []),
                        (b"content-security-policy", POLICY.format(nonce=nonce).encode()),
                        (b"referrer-policy", b"same-origin"),
                        (b"x-content-type-options", b"nosniff"),
                    ]
                await send(event)

            await app(scope, receive, send_safely)

        return safe

    return wrap


class _Templates(Extension):
    """Gives inline scripts of templates their nonce, and templates what readers of screens need."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        return (
            source.replace("<script", '<script nonce="{{ desk_nonce }}"')
            .replace("<html>", '<html lang="{{ desk_language }}">')
            .replace('<textarea id="sql-editor"', '<textarea id="sql-editor" aria-label="SQL"')
        )


@hookimpl
def prepare_jinja2_environment(env: Environment) -> None:
    env.add_extension(_Templates)
    env.filters["defang"] = lambda text: defang(printable(str(text or "")))
    env.filters["printable"] = lambda text: printable(str(text or ""))
    env.filters["day"] = lambda text: str(text or "")[:10]
    env.globals["weight_bar"] = charts.weight_bar
    env.globals["share_bar"] = charts.share_bar


def _language(request: Request | None) -> str:
    if request is None:
        return choose([settings.language])
    asked = request.args.get("_lang") or request.cookies.get("desk_language") or settings.language
    return choose([asked, *accepted(request.headers.get("accept-language", ""))] if not asked
                  else [asked])  # fmt: skip


@hookimpl
def extra_template_vars(
    datasette: Datasette, database: str | None, view_name: str, request: Request | None
) -> Callable[[], Awaitable[dict[str, Any]]]:
    async def values() -> dict[str, Any]:
        language = _language(request)
        names = _findings.get(datasette, ())
        current = database if database in names else (names[0] if names else "")
        shown: dict[str, Any] = {
            "desk_nonce": request.scope.get("desk_nonce", "") if request else "",
            "desk_language": language,
            "desk_languages": languages(),
            "desk": current,
            "desk_base": datasette.urls.path(f"/{quote(current)}/-") if current else "",
            "desk_site": partial(_site_address, datasette, current),
            "desk_operation": partial(_operation_address, datasette, current),
            "t": translator(language),
            "may_decide": _may_decide(datasette, request),
        }
        if view_name == "index" and current and len(names) == 1:
            shown["dashboard"] = await _dashboard(datasette, current, language)
        return shown

    return values


def _site_address(datasette: Datasette, database: str, host: object) -> str:
    return str(datasette.urls.path(f"/{quote(database)}/-/site/{quote(str(host), safe=':')}"))


def _operation_address(datasette: Datasette, database: str, identity: object) -> str:
    return str(datasette.urls.path(f"/{quote(database)}/-/operation/{quote(str(identity))}"))


@hookimpl
def extra_css_urls(datasette: Datasette) -> list[str]:
    return [f"{STATIC}/desk.css"] if _findings.get(datasette) else []


@hookimpl
def extra_js_urls(datasette: Datasette) -> list[str]:
    return [f"{STATIC}/desk.js"] if _findings.get(datasette) else []


@hookimpl
def render_cell(
    value: object, column: str, table: str | None, database: str, datasette: Datasette
) -> Markup | None:
    """Addresses stay text: Datasette would make live links to the sites of criminals."""
    if database not in _findings.get(datasette, ()):
        return None
    label = value.get("label") if isinstance(value, dict) else value
    key = value.get("value") if isinstance(value, dict) else value
    if not isinstance(label, str) or not label:
        return None
    text = printable(label)
    limit = datasette.setting("truncate_cells_html")
    if column in HOST_COLUMNS and isinstance(key, str):
        address = _site_address(datasette, database, key)
        return Markup('<a href="{}">{}</a>').format(address, defang(text))
    if column in ("operation_id", "operation"):
        address = _operation_address(datasette, database, key)
        return Markup('<a href="{}">{}</a>').format(address, text)
    if isinstance(value, str) and "://" in text:
        return escape(defang(text[:limit]))
    if isinstance(value, str) and text != value:
        return escape(text[:limit])
    return None


# Pages


@hookimpl
def register_routes() -> list[tuple[str, Callable[..., Any]]]:
    base = r"^/(?P<database>[^/]+)/-"
    return [
        (rf"^{STATIC}/(?P<name>[a-z.]+)$", static),
        (rf"{base}/dashboard$", dashboard_page),
        (rf"{base}/site/(?P<host>[^/]+)$", site_page),
        (rf"{base}/site/(?P<host>[^/]+)/screenshot$", screenshot),
        (rf"{base}/operation/(?P<identity>[^/]+)$", operation_page),
        (rf"{base}/find$", find),
        (rf"{base}/triage$", triage_page),
        (rf"{base}/triage/decide$", decide),
    ]


async def static(request: Request) -> Response:
    name = request.url_vars["name"]
    if name not in FILES:
        raise NotFound(name)
    text = (Path(__file__).parent / "static" / name).read_text("utf-8")
    return Response(text, content_type=f"{FILES[name]}; charset=utf-8",
                    headers={"cache-control": "max-age=300"})  # fmt: skip


def _database(datasette: Datasette, request: Request) -> Database:
    name = request.url_vars["database"]
    if name not in _findings.get(datasette, ()):
        raise NotFound(f"{name} holds no findings of scamtrail")
    return datasette.databases[name]


async def _page(
    datasette: Datasette, request: Request, template: str, database: Database, **context: Any
) -> Response:
    if not await datasette.permission_allowed(
        request.actor, "view-database", resource=database.name, default=True
    ):
        raise Forbidden("view-database")
    context["database"] = database.name
    body = await datasette.render_template(f"desk/{template}", context, request=request)
    answer = Response.html(body)
    if request.args.get("_lang"):
        answer.set_cookie("desk_language", _language(request), samesite="strict")
    return answer


async def _dashboard(datasette: Datasette, name: str, language: str) -> dict[str, Any]:
    t = translator(language)
    found = await datasette.databases[name].execute_fn(
        lambda connection: overview.overview(Reading(connection), datetime.now(UTC))
    )
    categories = ("gambling", "investment", "other_scam")

    def by_country(code: str) -> str:
        query = datasette.urls.path(f"/{quote(name)}/first_seen_by_country")
        return f"{query}?country={quote(code)}"

    found["chart_weeks"] = charts.stacks(
        [(day[5:], counts) for day, counts in found["weeks"]], categories, t("new_by_week")
    )
    found["chart_lists"] = charts.lines(found["releases"], ("entries",), t("lists_over_time"))
    found["legend"] = charts.legend([(item, t(item)) for item in categories])
    found["map"], found["unplaced"] = charts.world(
        dict(found["hosting"]), by_country, t("hosting_map")
    )
    found["by_country"] = by_country
    return dict(found)


async def dashboard_page(datasette: Datasette, request: Request) -> Response:
    database = _database(datasette, request)
    found = await _dashboard(datasette, database.name, _language(request))
    return await _page(datasette, request, "dashboard.html", database, dashboard=found)


async def site_page(datasette: Datasette, request: Request) -> Response:
    database = _database(datasette, request)
    host = request.url_vars["host"].lower()
    found = await database.execute_fn(lambda connection: site.site(Reading(connection), host))
    if found is None:
        raise NotFound(f"{defang(printable(host))}: never seen")
    picture = _picture(database, found["site"].get("screenshot"))
    return await _page(datasette, request, "site.html", database, found=found, host=host,
                       picture=picture is not None, workspace=_workspace(database))  # fmt: skip


def _workspace(database: Database) -> str:
    return str(Path(database.path).parent) if database.path and settings.token else "WORKSPACE"


def _picture(database: Database, stored: str | None) -> Path | None:
    """The screenshot, when it is a picture inside the workspace."""
    if not stored or not database.path:
        return None
    root = Path(database.path).resolve().parent
    path = (root / stored).resolve()
    inside = path.is_relative_to(root) and path.suffix.lower() in PICTURES
    return path if inside and path.is_file() else None


async def screenshot(datasette: Datasette, request: Request) -> Response:
    database = _database(datasette, request)
    rows = await database.execute(
        "SELECT screenshot FROM sites WHERE host = ?", [request.url_vars["host"]]
    )
    path = _picture(database, rows.rows[0][0] if rows.rows else None)
    if path is None:
        raise NotFound("no screenshot")
    return Response(await asyncio.to_thread(path.read_bytes),
                    content_type=PICTURES[path.suffix.lower()])  # fmt: skip


async def operation_page(datasette: Datasette, request: Request) -> Response:
    database = _database(datasette, request)
    identity = request.url_vars["identity"]
    found = await database.execute_fn(
        lambda connection: site.operation(Reading(connection), identity)
    )
    if found is None:
        raise NotFound(f"{printable(identity)}: no such operation")
    # "<" would end the script element that holds the data.
    graph = Markup(json.dumps(found["graph"], ensure_ascii=False).replace("<", "\\u003c"))
    return await _page(datasette, request, "operation.html", database, found=found, graph=graph,
                       shown=site.SHOWN_MEMBERS)  # fmt: skip


async def find(datasette: Datasette, request: Request) -> Response:
    """From the search box: a host's page, or the search over what pages say."""
    database = _database(datasette, request)
    words = request.args.get("q", "").strip()
    host = words.replace("[.]", ".").split("://")[-1].split("/")[0].lower()
    rows = await database.execute(
        "SELECT host FROM sites WHERE host = ?1 UNION ALL SELECT host FROM sites WHERE"
        " registered_domain = ?1 LIMIT 1",
        [host],
    )
    if rows.rows:
        return Response.redirect(_site_address(datasette, database.name, rows.rows[0][0]))
    phrase = quote('"' + words.replace('"', '""') + '"')
    table = datasette.urls.table(database.name, "pages")
    return Response.redirect(f"{table}?_search={phrase}")


# Triage


def _may_decide(datasette: Datasette, request: Request | None) -> bool:
    if request is None or not settings.token:
        return False
    try:
        held = datasette.unsign(request.cookies.get("desk_token", ""), "desk")
    except BadSignature:
        return False
    return hmac.compare_digest(str(held).encode(), settings.token.encode())


async def triage_page(datasette: Datasette, request: Request) -> Response:
    database = _database(datasette, request)
    if (shown := request.args.get("token")) is not None:
        answer = Response.redirect(request.path)  # takes the token out of the address
        if settings.token and hmac.compare_digest(shown.encode(), settings.token.encode()):
            answer.set_cookie("desk_token", datasette.sign(shown, "desk"), httponly=True,
                              samesite="strict")  # fmt: skip
            return answer
        raise Forbidden("this token does not fit; take the address that was printed")
    now = datetime.now(UTC)

    def read(connection: Connection) -> dict[str, Any]:
        reading = Reading(connection)
        return {
            "cases": triage.queue(reading, now),
            "disagreements": triage.disagreements(reading),
            "decisions": triage.recent(reading),
        }

    found = await database.execute_fn(read)
    return await _page(datasette, request, "triage.html", database, **found,
                       categories=triage.CATEGORIES, actions=triage.ACTIONS)  # fmt: skip


async def decide(datasette: Datasette, request: Request) -> Response:
    """Notes one decision. Datasette checks its token against cross-site requests before this."""
    database = _database(datasette, request)
    if request.method != "POST":
        return Response.json({"error": "POST a decision"}, status=405)
    origin = request.headers.get("origin", "")
    foreign = origin and urlsplit(origin).netloc != request.headers.get("host")
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin" or foreign:
        return Response.json({"error": "the request came from another site"}, status=403)
    if not _may_decide(datasette, request) or not database.is_mutable:
        return Response.json({"error": "start scamtrail datasette --triage and open the address"
                              " that it prints"}, status=403)  # fmt: skip
    if int(request.headers.get("content-length") or 0) > MAX_FORM:
        return Response.json({"error": "the form is too long"}, status=413)
    form = await request.post_vars()
    try:
        # One short transaction waits for its turn beside a run; the run's lock would have people
        # wait for hours.
        await asyncio.to_thread(_write, Path(str(database.path)), form)
    except (triage.TriageError, StoreError) as error:
        return Response.json({"error": str(error)}, status=400)
    if request.headers.get("accept", "").startswith("application/json"):
        return Response.json({"ok": True, "host": form["host"], "decision": form["action"]})
    return Response.redirect(datasette.urls.path(f"/{quote(database.name)}/-/triage"))


def _write(path: Path, form: dict[str, str]) -> None:
    with Store(path) as store:
        triage.decide(
            store,
            form.get("host", ""),
            form.get("action", ""),
            category=form.get("category", ""),
            reason=form.get("reason", "")[:1_000],
            author=form.get("author", "")[:100],
            now=datetime.now(UTC),
        )
