"""A request to the practice internet → an answer. Pure: the same request gives the same bytes."""

import gzip
import html
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

from crawler.sandbox.phrases import GAMBLING, INNOCENT, INVESTMENT
from crawler.sandbox.world import HOSTILE, Host, Operation, World

HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server sends. `trick` names a misbehaviour that the server carries out instead."""

    body: bytes = b""
    status: int = 200
    fields: tuple[tuple[str, str], ...] = (("Content-Type", HTML),)
    trick: str = ""


@dataclass(frozen=True, slots=True)
class Visit:
    """A request: `name` as asked for (a wildcard host has many), path with query, headers."""

    name: str
    path: str
    headers: Mapping[str, str]

    @property
    def looks_like_a_browser(self) -> bool:
        agent = self.headers.get("user-agent", "").lower()
        return "mozilla/" in agent and not any(
            word in agent for word in ("bot", "crawl", "spider", "scamtrail")
        )

    @property
    def comes_from_elsewhere(self) -> bool:
        return bool(self.headers.get("referer"))

    @property
    def on_a_phone(self) -> bool:
        return "mobile" in self.headers.get("user-agent", "").lower()


def respond(world: World, host: Host, visit: Visit) -> Answer:
    """The answer of `host`."""
    if host.kind.startswith("trap-"):
        return _trap(world, host, visit)
    if visit.path == "/robots.txt":
        return Answer(b"User-agent: *\nAllow: /\n", fields=(("Content-Type", "text/plain"),))
    if visit.path == "/favicon.ico":
        return Answer(b"\x89PNG" + host.operation.encode(), fields=(("Content-Type", "image/png"),))
    maker = _MAKERS.get(host.kind, _plain)
    return maker(world, host, visit)


def page(
    title: str,
    body: str,
    language: str = "en",
    *,
    head: str = "",
    charset: str = "utf-8",
    declared: str = "utf-8",
) -> Answer:
    """An HTML page; `declared` may differ from the charset that the bytes are in."""
    text = (
        f'<!doctype html><html lang="{language}"><head><meta charset="{declared}">'
        f'<meta name="viewport" content="width=device-width"><title>{html.escape(title)}</title>'
        f"{head}</head><body>{body}</body></html>"
    )
    return Answer(
        text.encode(charset, "replace"),
        fields=(("Content-Type", f"text/html; charset={declared}"),),
    )


def link(target: str, text: str) -> str:
    address = target if target.startswith(("/", "http")) else f"http://{target}/"
    return f'<a href="{html.escape(address)}">{html.escape(text)}</a>'


def redirect(target: str, status: int = 302) -> Answer:
    return Answer(b"", status, (("Location", target), ("Content-Type", HTML)))


# Scams


def _operator(world: World, host: Host, visit: Visit) -> Answer:
    operation = world.operations[host.operation]
    return _site(world, host, operation, visit)


def _site(world: World, host: Host, operation: Operation, visit: Visit) -> Answer:
    texts = (GAMBLING if operation.category == "gambling" else INVESTMENT)[operation.language]
    path = visit.path.partition("?")[0]
    pages = {target: name for name, target in texts["nav"].items()}
    if path not in pages and path not in ("/register", "/terms"):
        return Answer(b"<title>404</title>", 404)
    rng = world.rng(host.name, path)
    fill = {"brand": operation.brand, "n": rng.randint(18, 88), "domain": host.name}
    lines = [line.format(**fill) for line in texts["lines"]]
    heads = [line.format(**fill) for line in texts["heads"]]
    title = texts["title"][operation.index % len(texts["title"])].format(**fill)
    if path != "/":
        title = f"{pages.get(path, texts['register'])} - {operation.brand}"
    content = _section(world, host, operation, texts, path, lines, heads, fill)
    template = (host.number + operation.index) % 3
    menu = [link(target, name) for name, target in texts["nav"].items()]
    menu.append(link(f"/register?invite={operation.stem[:4]}{host.number:02d}", texts["register"]))
    body = _TEMPLATES[template](menu, heads, content, _footer(world, host, operation, texts))
    return page(
        title,
        body + _scripts(operation),
        operation.language,
        head=f'<meta name="description" content="{html.escape(lines[0])}">{_style(operation, template)}',
        charset=operation.charset if host.number % 2 == 0 else "utf-8",
    )


def _section(
    world: World,
    host: Host,
    operation: Operation,
    texts: Mapping[str, Any],
    path: str,
    lines: list[str],
    heads: list[str],
    fill: Mapping[str, object],
) -> str:
    paragraphs = "".join(f"<p>{html.escape(line)}</p>" for line in lines)
    if path == "/lines":
        mirrors = "".join(
            f"<li>{link(name, f'{operation.brand} {number}')}</li>"
            for number, name in enumerate(_mirrors(operation, host), 1)
        )
        intro = str(texts.get("mirror_text", texts["mirror"])).format(**fill)
        return f"<h2>{texts['mirror']}</h2><p>{html.escape(intro)}</p><ul>{mirrors}</ul>"
    if path in ("/cash", "/deposit"):
        coins = "".join(
            f"<tr><td>{kind.upper()}</td><td><code>{value}</code></td></tr>"
            for kind, value in operation.wallet.items()
        )
        return f"{paragraphs}<table>{coins}</table>"
    if path == "/app":
        intro = str(texts.get("app_text", heads[0])).format(**fill)
        return f"<p>{html.escape(intro)}</p>{link(f'/files/{operation.stem}.apk', 'APK')}"
    if path == "/plans":
        rows = "".join(
            f"<div class=plan><h3>{name}</h3><p>{1 + rank}.{rank + 2}% {texts['per_day']}</p>"
            f"<p>{10 * 5**rank} - {50 * 5**rank} USDT</p></div>"
            for rank, name in enumerate(texts["plans"])
        )
        return rows + paragraphs
    if path == "/register":
        return (
            f"<form><input placeholder='{texts['code']}' value='{operation.stem[:6]}'>"
            f"<button>{texts['register']}</button></form>{paragraphs}"
        )
    if path in ("/agent", "/referral", "/about", "/promo"):
        return f"<h2>{html.escape(heads[-1])}</h2>{paragraphs}"
    return paragraphs


def _mirrors(operation: Operation, host: Host) -> tuple[str, ...]:
    """All sites of the operation, or only the next ones where it is careful."""
    if operation.index % 4 != 3:
        return operation.members
    start = host.number
    return tuple(operation.members[(start + step) % len(operation.members)] for step in range(1, 5))


def _footer(world: World, host: Host, operation: Operation, texts: Mapping[str, object]) -> str:
    handles = operation.handles
    parts = [
        link(f"https://t.me/{handles['telegram']}", "Telegram"),
        link(f"https://wa.me/{handles['whatsapp']}", "WhatsApp"),
        link("https://www.facebook.com/sharer", "Facebook"),
    ]
    if operation.language in ("th", "zh-hant"):
        parts.append(link(f"https://line.me/R/ti/p/{handles['line']}", "LINE"))
    if operation.language == "vi":
        parts.append(link(f"https://zalo.me/{handles['zalo']}", "Zalo"))
    # Scams dress up with links to the respectable.
    rng = world.rng("footer", operation.id)
    for kind in ("regulator", "bank", "licensed_casino", "help"):
        if names := world.by_kind.get(kind):
            parts.append(link(rng.choice(names), kind.replace("_", " ").title()))
    if operation.index == 0:
        parts += [link(f"trap-{name}.test", "Partner") for name in HOSTILE]
    for trap in HOSTILE:
        # More than one of a kind: a hostile internet, its traps shared out among operations.
        more = world.by_kind.get(f"trap-{trap}", ())[1 + operation.index :: len(world.operations)]
        parts += [link(name, "Partner") for name in more]
    if operation.index == 4:
        parts += [link(name, "Partner") for name in world.by_kind.get("doorway", ())[:2]]
    return " ".join(parts)


def _classic(menu: list[str], heads: list[str], content: str, footer: str) -> str:
    items = "".join(f"<li>{item}</li>" for item in menu)
    banners = "".join(f'<div class="banner"><h2>{html.escape(head)}</h2></div>' for head in heads)
    return f"<header><ul class=nav>{items}</ul></header>{banners}<main>{content}</main><footer>{footer}</footer>"


def _cards(menu: list[str], heads: list[str], content: str, footer: str) -> str:
    cards = "".join(
        f'<div class="card"><img src="/img/{n}.png" alt="{html.escape(head)}"><span>{html.escape(head)}</span></div>'
        for n, head in enumerate(heads)
    )
    return f'<div class="top">{" | ".join(menu)}</div><div class="grid">{cards}</div><div class="text">{content}</div><div class="foot">{footer}</div>'


def _landing(menu: list[str], heads: list[str], content: str, footer: str) -> str:
    return f'<section id="hero"><h1>{html.escape(heads[0])}</h1>{menu[-1]}</section><section>{content}</section><nav>{"".join(menu)}</nav><section class="bottom">{footer}</section>'


_TEMPLATES: tuple[Callable[[list[str], list[str], str, str], str], ...] = (
    _classic,
    _cards,
    _landing,
)


@cache
def _style_text(index: int, template: int) -> str:
    rules = [
        f".c{index}-{template}-{n}{{margin:{n}px;color:#{n * 7919 % 0xFFFFFF:06x}}}"
        for n in range(150 + 40 * (index % 5))
    ]
    return f"<style>{''.join(rules)}</style>"


def _style(operation: Operation, template: int) -> str:
    return _style_text(operation.index, template)


def _scripts(operation: Operation) -> str:
    ids = operation.analytics
    return (
        f'<script async src="https://www.googletagmanager.com/gtag/js?id={ids["ga4"]}"></script>'
        f"<script>gtag('config','{ids['ga4']}');var _hmt=_hmt||[];(function(){{var h=document.createElement('script');"
        f"h.src='https://hm.baidu.com/hm.js?{ids['baidu']}';}})();</script>"
        f'<script src="https://embed.tawk.to/{ids["tawk"]}/default"></script>'
        f'<script src="/static/js/{operation.id}.bundle.js"></script>'
    )


def _cloaked(world: World, host: Host, visit: Visit) -> Answer:
    """Innocent to whoever does not look like a visitor from a chat or search on a telephone."""
    if visit.looks_like_a_browser and visit.comes_from_elsewhere:
        return _operator(world, host, visit)
    lines = INNOCENT["shop"]["en"]
    return page("Tea and crafts", "".join(f"<p>{line}</p>" for line in lines))


_APP = """
fetch('/api/page?path=' + location.pathname).then(answer => answer.json()).then(page => {
  document.title = page.title;
  document.getElementById('app').innerHTML = page.body;
});
"""


def _javascript(world: World, host: Host, visit: Visit) -> Answer:
    """An empty page that its script fills from an interface, as single-page applications are."""
    operation = world.operations[host.operation]
    if visit.path == f"/static/js/{operation.id}.app.js":
        return Answer(_APP.encode(), fields=(("Content-Type", "text/javascript"),))
    if visit.path.startswith("/api/page"):
        wanted = visit.path.partition("?path=")[2] or "/"
        made = _site(world, host, operation, Visit(visit.name, wanted, visit.headers))
        charset = operation.charset if host.number % 2 == 0 else "utf-8"
        text = made.body.decode(charset, "replace")
        inner = text.partition("<body>")[2].partition("<script")[0]
        title = text.partition("<title>")[2].partition("</title>")[0]
        answer = json.dumps({"title": html.unescape(title), "body": inner})
        return Answer(answer.encode(), fields=(("Content-Type", "application/json"),))
    body = f'<div id="app"></div><script src="/static/js/{operation.id}.app.js"></script>'
    return page("Loading", body, head=_style(operation, 0))


def _redirector(world: World, host: Host, visit: Visit) -> Answer:
    operation = world.operations[host.operation]
    target = f"http://{operation.front}/"
    way = operation.index // 3 % 3
    if way == 0:
        return redirect(target)
    if way == 1:
        return page("…", "", head=f'<meta http-equiv="refresh" content="0; url={target}">')
    return page("…", f"<script>window.location.href = '{target}';</script>")


def _link_farm(world: World, host: Host, visit: Visit) -> Answer:
    operation = world.operations[host.operation]
    if visit.on_a_phone and visit.comes_from_elsewhere and visit.name != host.name:
        return redirect(f"http://{operation.front}/")
    rng = world.rng("farm", visit.name, visit.path)
    phrases = _FARM_PHRASES["vi" if operation.language == "vi" else "zh"]
    code = operation.stem
    title = f"{code}_" + "-".join(rng.sample(phrases, 4))
    siblings = "".join(
        link(
            f"http://{_label(rng)}.{host.name}/{rng.randint(10_000, 999_999)}", rng.choice(phrases)
        )
        for _ in range(24)
    )
    items = "".join(f"<p>{' '.join(rng.sample(phrases, 3))} {code}</p>" for _ in range(3))
    body = f"<h1>{title}</h1>{items}<div>{siblings}</div>{link(operation.front, code)}"
    return page(title, body, operation.language)


_FARM_PHRASES = {
    "vi": ["kết quả xổ số miền bắc", "bắn cá đổi thưởng", "bảng xếp hạng bóng đá", "nổ hũ online",
           "tài xỉu uy tín", "soi cầu hôm nay", "kèo nhà cái", "lịch thi đấu", "đánh bài online"],
    "zh": ["今晚开奖结果", "捕鱼游戏下载", "足球比分直播", "百家乐技巧", "北京赛车计划", "棋牌平台大全",
           "真人娱乐注册", "六合彩资料", "体育投注官网"],
}  # fmt: skip


def _label(rng: Random) -> str:
    letters = "abcdefghjkmnpqrstuvwxyz0123456789"
    return "".join(rng.choices(letters, k=7)) + str(rng.randint(10, 99))


def _doorway(world: World, host: Host, visit: Visit) -> Answer:
    operation = world.operations[host.operation]
    texts = GAMBLING[operation.language]
    rng = world.rng(host.name)
    fill = {"brand": operation.brand, "n": rng.randint(10, 50), "domain": host.name}
    lines = [line.format(**fill) for line in texts["lines"]]
    title = f"{texts['heads'][1].format(**fill)} ({operation.brand})"
    related = [link(name, "→") for name in world.by_kind.get("doorway", ()) if name != host.name]
    body = (
        f"<article><h1>{title}</h1>"
        + "".join(f"<p>{line}</p>" for line in lines)
        + f"<p>{link(operation.front, operation.brand)}</p></article>{' '.join(related)}"
    )
    return page(title, body, operation.language)


# Innocents


def _plain(world: World, host: Host, visit: Visit) -> Answer:
    """A site of its kind: front page, a few articles, contact."""
    texts = INNOCENT.get(host.kind, INNOCENT["shop"])
    lines = texts.get(host.language) or texts["en"]
    brand = host.name.split(".")[0].replace("-", " ").title()
    rng = world.rng(host.name, visit.path)
    shown = [line.format(brand=brand) for line in lines]
    if visit.path not in ("/", "/about", "/contact") and not visit.path.startswith("/article"):
        return Answer(b"<title>404</title>Not here", 404)
    links = [link("/about", "About"), link("/contact", "Contact"), link("/article/1", "More")]
    for kind in ("news", "shop", "school", "bank"):
        if names := world.by_kind.get(kind):
            links.append(link(rng.choice(names), rng.choice(("Partner", "See also", "Neighbour"))))
    body = "".join(f"<p>{line}</p>" for line in shown)
    extra = _EXTRAS.get(host.kind)
    if extra:
        body += extra(world, host, visit)
    return page(f"{brand}: {shown[0][:60]}", f"<h1>{brand}</h1>{body}<nav>{' '.join(links)}</nav>",
                host.language, head=_schema(host.kind))  # fmt: skip


def _schema(kind: str) -> str:
    name = {"news": "NewsArticle", "school": "School", "bank": "BankOrCreditUnion"}.get(kind)
    return f'<script type="application/ld+json">{{"@type": "{name}"}}</script>' if name else ""


def _mentions(world: World, host: Host) -> list[Operation]:
    """The operations that this news site writes about: each is written about by some site."""
    papers = world.by_kind.get(host.kind, ())
    wanted = [item for item in world.operations.values() if item.index % 3 == 1]
    place = papers.index(host.name) if host.name in papers else 0
    return [item for number, item in enumerate(wanted) if number % len(papers) == place]


def _news(world: World, host: Host, visit: Visit) -> str:
    parts = []
    for operation in _mentions(world, host):
        parts.append(
            f"<p>The fake site {link(operation.front, operation.front)} was named in the case. "
            f"Victims were contacted through {link('https://t.me/' + operation.handles['telegram'], 'Telegram')} "
            f"and {link('https://www.facebook.com/groups/1', 'Facebook')}.</p>"
        )
    return "".join(parts)


def _warning_table(world: World, host: Host, visit: Visit) -> str:
    rows = "".join(
        f"<tr><td>{operation.brand}</td><td>{operation.front.replace('.', '[.]')}</td></tr>"
        for operation in world.operations.values()
        if operation.index % 6 == 0
    )
    return f"<table><tr><th>Name</th><th>Site</th></tr>{rows}</table>"


def _bio(world: World, host: Host, visit: Visit) -> str:
    operation = next(iter(world.operations.values()))
    shop = world.by_kind["shop"][0]
    return (
        f"<ul><li>{link(shop, 'My shop')}</li><li>{link(operation.front, 'Earn with me')}</li></ul>"
    )


def _board(world: World, host: Host, visit: Visit) -> str:
    return link("/article/3001", "Welcome thread")


_EXTRAS: Mapping[str, Callable[[World, Host, Visit], str]] = {
    "news": _news,
    "regulator": _warning_table,
    "link_in_bio": _bio,
    "spammed_forum": _board,
}


def _injected(world: World, host: Host, visit: Visit) -> Answer:
    """An innocent site; one path of it carries text that its owner never wrote."""
    path = "/article/3001" if host.kind == "spammed_forum" else "/wp-content/uploads/slot"
    if visit.path != path:
        kind = "forum" if host.kind == "spammed_forum" else "school"
        innocent = Host(host.name, kind, host.language, host.ip, number=host.number)
        return _plain(world, innocent, visit)
    operation = next(
        item
        for item in world.operations.values()
        if item.category == "gambling" and item.language == "id"
    )
    texts = GAMBLING["id"]
    fill = {"brand": operation.brand, "n": 50, "domain": host.name}
    lines = "".join(f"<p>{line.format(**fill)}</p>" for line in texts["lines"])
    return page(
        texts["title"][0].format(**fill), f"{lines}{link(operation.front, operation.brand)}", "id"
    )


_MAKERS: Mapping[str, Callable[[World, Host, Visit], Answer]] = {
    "operator": _operator,
    "cloaked": _cloaked,
    "javascript": _javascript,
    "redirector": _redirector,
    "link_farm": _link_farm,
    "doorway": _doorway,
    "hacked_school": _injected,
    "spammed_forum": _injected,
}


# Traps


def _trap(world: World, host: Host, visit: Visit) -> Answer:
    name = host.kind.removeprefix("trap-")
    if name in _JUMPS:
        return redirect(_JUMPS[name])
    path = visit.path
    if name == "calendar":
        year, month = _month(path)
        later = f"/calendar/{year + month // 12}/{month % 12 + 1}"
        return page(
            f"{year}-{month}", f"<p>Nothing on.</p>{link(later, 'next')}{link('/', 'home')}"
        )
    if name == "session":
        token = world.rng(path).randbytes(8).hex()
        return page("Shop", f"<p>Welcome back.</p>{link(f'/item?sid={token}', 'next')}")
    if name == "loop":
        return redirect(f"http://{host.name}/{'b' if path == '/a' else 'a'}")
    if name == "deep":
        return page("deep", "<div>" * 100_000 + "bottom")
    if name == "broken-html":
        return page("broken", "<table><p><a href='/x'>one<b><<>></table></i><!-- <p>open")
    if name == "parked":
        return page(host.name, "<p>This domain is parked. Buy this domain.</p>")
    return Answer(trick=name)


_JUMPS = {
    "to-loopback": "http://127.0.0.1/",
    "to-private": "http://10.0.0.1/",
    "to-metadata": "http://169.254.169.254/latest/meta-data/",
    "to-file": "file:///etc/passwd",
}


def _month(path: str) -> tuple[int, int]:
    parts = path.strip("/").split("/")
    if len(parts) == 3 and parts[1].isdigit() and parts[2].isdigit():
        return int(parts[1]), max(1, min(12, int(parts[2])))
    return 2026, 11


@cache
def bomb() -> bytes:
    """60 MB of zeros in some 60 KB of gzip."""
    return gzip.compress(bytes(60_000_000), 9, mtime=0)
