"""The pages that people read: `index.html` and the Atom feed of changes."""

from collections.abc import Iterator
from html import escape
from itertools import pairwise
from string import Template

from blocklists import delta
from blocklists.config import PublishConfig
from blocklists.manifest import Manifest, Step, stamp
from blocklists.policy import FOLDER as POLICIES
from blocklists.policy import Policy
from blocklists.registry import Format, formats
from blocklists.signature import SIGNERS, SUMS, VERIFY, Signer

_LISTS = {
    "all": "Fake investment, illegal gambling and the other scams that we found",
    "gambling": "Illegal gambling: casinos, bookmakers, their doorways and link farms",
    "investment": "Fake investment: Ponzi schemes, false brokers, mining and task scams",
}
# Formats by who takes them; what stands in none of these comes last.
_GROUPS = {
    "Resolvers": (
        "rpz", "unbound", "dnsmasq", "powerdns", "pihole", "adblock", "wildcard", "domains",
        "hosts", "hosts6",
    ),
    "Proxies, firewalls and sensors": (
        "squid", "urls", "suricata", "suricata-dataset", "nftables", "ipset",
    ),
    "Browsers, phones and computers": ("ublock", "mihomo", "singbox", "surge", "littlesnitch"),
}  # fmt: skip
_OTHERS = "Analysts and programs"

_STYLE = """
:root{color-scheme:light dark;--ink:#16202b;--paper:#fbfbf8;--soft:#5b6875;--line:#d9dcd6;
--mark:#0b6e5f;--card:#fff}
@media (prefers-color-scheme:dark){:root{--ink:#e7ebee;--paper:#12171c;--soft:#9aa7b3;
--line:#2b343d;--mark:#4fc3ae;--card:#1a2127}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:62rem;padding:1.5rem 1rem 4rem;background:var(--paper);
color:var(--ink);font:1rem/1.55 system-ui,sans-serif}
h1{font-size:1.8rem;margin:.2em 0}h2{margin:2.2em 0 .5em;font-size:1.25rem}
h3{margin:0;font-size:1.05rem}p{max-width:44rem}a{color:var(--mark)}
.soft{color:var(--soft);font-size:.9rem}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(17rem,1fr));gap:1rem}
.card{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:1rem}
.card>p{margin:.5rem 0}.tiers{display:grid;grid-template-columns:1fr 1fr;gap:.5rem 1rem}
.tiers b{display:block;font-size:1.6rem;line-height:1.2;font-variant-numeric:tabular-nums}
.files a{display:inline-block;padding:.25rem .1rem;margin-right:.7rem}
nav{display:flex;flex-wrap:wrap;gap:.1rem 1.1rem;border-bottom:1px solid var(--line);
padding-bottom:.6rem}nav a{padding:.45rem 0}
details{border-bottom:1px solid var(--line);padding:.6rem 0}.card details{border:0;padding:0}
details+h3{margin-top:1.6rem}summary{cursor:pointer;padding:.2rem 0}
code{display:block;overflow-x:auto;padding:.6rem;margin:.4rem 0;background:var(--card);
border:1px solid var(--line);border-radius:.4rem;font-size:.85rem;white-space:pre}
.key{overflow-wrap:anywhere}
svg{width:100%;height:auto;max-width:44rem}svg text{fill:var(--soft);font-size:13px}
.w{stroke:var(--mark);fill:none;stroke-width:2.5}.s{stroke:var(--ink);fill:none;stroke-width:2.5;
stroke-dasharray:5 4}svg .axis{stroke:var(--line)}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
td,th{text-align:right;padding:.3rem .5rem;border-bottom:1px solid var(--line)}
.countries td+td+td,.countries th+th+th{text-align:left}
td:first-child,th:first-child{text-align:left}.scroll{overflow-x:auto}
@media (max-width:38rem){body{padding-top:.8rem}h1{font-size:1.6rem}
.cards{grid-template-columns:1fr}
.countries thead{display:none}.countries tr{display:grid;grid-template-columns:1fr auto;
border-bottom:1px solid var(--line);padding:.5rem 0}.countries td{border:0;padding:.1rem 0}
.countries td:first-child{font-weight:600}.countries td+td+td{grid-column:1/3}
.countries td+td+td a{display:inline-block;padding:.3rem .8rem .3rem 0}td,th{padding:.3rem .25rem}
.releases td:nth-child(2),.releases th:nth-child(2){display:none}svg text{font-size:20px}}
"""

_INDEX = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>$title: blocklists</title>
<link rel="alternate" type="application/atom+xml" title="Changes" href="feed.xml">
<style>$style</style>
</head>
<body>
<header>
<h1>$title</h1>
<p>Lists of fake-investment and illegal-gambling sites for resolvers, proxies and browsers. Every
entry rests on evidence from the site itself, is visited again, and leaves when the site is gone or
was judged wrongly.</p>
<p class="soft">Release $serial of $published · licence $licence · <a
href="manifest.json">checksums</a> · <a href="feed.xml">changes</a>$homepage</p>
<nav><a href="#lists">Lists</a> <a href="#subscribe">Subscribe</a>$links
<a href="#appeal">Listed wrongly?</a> <a href="#releases">Releases</a></nav>
</header>
<main>
$empty<h2 id="lists">Lists</h2>
<div class="cards">
$cards</div>
<p class="soft"><b>strict</b> is for networks that block for everybody, <b>wide</b> for people who
chose to be protected.</p>
$chart<h2 id="subscribe">Subscribe</h2>
<p>Take <b>strict</b> when you block for people who did not ask for it, and <b>wide</b> when they
did. Files change only when a list does, so a conditional request costs nothing. The lines below
show <i>all, strict</i>.</p>
$consumers$countries$verify<h2 id="appeal">Is your site listed wrongly?</h2>
<p>$appeal The entry's reason is in <i>entries.csv</i> and <i>entries.jsonl</i> beside the
list. Every appeal has the site visited again; a removal takes effect with the next release.</p>
<h2 id="releases">Last releases</h2>
<div class="scroll"><table class="releases">
<thead><tr><th>Release</th><th>Published</th><th>Entries</th><th>Added</th><th>Removed</th></tr>
</thead>
<tbody>
$steps</tbody>
</table></div>
<p class="soft">Counts of all, wide.</p>
</main>
</body>
</html>
""")


def index(manifest: Manifest, config: PublishConfig, signer: Signer | None = None) -> str:
    """The landing page. Needs no outside request and no script."""
    newest = manifest.history[0]
    entries = sum(counts.entries for counts in newest.counts.values())
    return _INDEX.substitute(
        title=escape(config.title),
        style=_STYLE,
        serial=manifest.serial,
        published=stamp(manifest.published_at).replace("T", " ").replace("Z", " UTC"),
        licence=escape(config.licence),
        homepage=f' · <a href="{escape(config.homepage)}">project</a>'
        if _web(config.homepage)
        else "",
        empty=""
        if entries
        else "<p><b>No site has been listed yet: every list is empty.</b></p>\n",
        links=('\n<a href="#countries">Countries</a>' if config.policies else "")
        + (' <a href="#verify">Verify</a>' if signer else ""),
        cards="".join(
            _card(kind, manifest)
            for kind in dict.fromkeys(name.partition("/")[0] for name in newest.counts)
            if kind != POLICIES
        ),
        countries=_countries(manifest, config),
        consumers="".join(_consumers(manifest, config)),
        verify=_verify(signer) if signer else "",
        appeal=_appeal(config),
        chart=_chart(manifest.history),
        steps="".join(_row(step, manifest) for step in manifest.history[:15]),
    )


def _web(address: str) -> bool:
    return address.startswith(("https://", "http://"))


def _appeal(config: PublishConfig) -> str:
    contact = config.appeal or config.homepage
    if _web(contact):
        return f'Ask at <a href="{escape(contact)}">{escape(contact)}</a>.'
    if "@" in contact and " " not in contact:
        return f'Write to <a href="mailto:{escape(contact)}">{escape(contact)}</a>.'
    return f"Write to {escape(contact)}." if contact else "Ask whoever gave you this address."


def _card(kind: str, manifest: Manifest) -> str:
    """A list with its tiers side by side."""
    tiers = {
        name.partition("/")[2]: counts
        for name, counts in manifest.history[0].counts.items()
        if name.startswith(f"{kind}/")
    }
    numbers = "".join(
        f"<div>{escape(tier)}<b>{counts.entries:,}</b>"
        f'<span class="soft">+{counts.added:,} −{counts.removed:,}</span></div>\n'
        for tier, counts in tiers.items()
    )
    files = "".join(
        f"<details><summary>Files of {escape(tier)}</summary>"
        f'<p class="files">{_links(f"{kind}/{tier}/", manifest)}</p></details>\n'
        for tier in tiers
    )
    return f"""<section class="card">
<h3>{escape(kind)}</h3>
<p>{escape(_LISTS.get(kind, kind))}.</p>
<div class="tiers">
{numbers}</div>
{files}</section>
"""


def _links(place: str, manifest: Manifest) -> str:
    return "".join(
        f'<a href="{escape(path)}">{escape(path.rpartition("/")[2])}</a>'
        for path in sorted(manifest.files)
        if path.startswith(place)
    )


def _countries(manifest: Manifest, config: PublishConfig) -> str:
    if not config.policies:
        return ""
    rows = "".join(_country(policy, manifest) for policy in config.policies)
    return f"""<h2 id="countries">By country</h2>
<p>What the law of a country forbids, on the evidence that <i>strict</i> takes. Who is licensed in a
country is never in its list. Gambling is left out where licences are many and the register was not
handed in.</p>
<div class="scroll"><table class="countries">
<thead><tr><th>Country</th><th>Entries</th><th>Holds</th><th>Files</th></tr></thead>
<tbody>
{rows}</tbody>
</table></div>
"""


def _country(policy: Policy, manifest: Manifest) -> str:
    place = f"{POLICIES}/{policy.code}"
    counts = manifest.history[0].counts.get(place)
    holds = ", ".join(category.value.replace("_", " ") for category in sorted(policy.categories))
    links = " ".join(
        f'<a href="{place}/{file}">{file}</a>'
        for file in ("rpz.zone", "domains.txt")
        if f"{place}/{file}" in manifest.files
    )
    return (
        f"<tr><td>{escape(policy.country)}</td><td>{counts.entries if counts else 0:,}</td>"
        f'<td>{escape(holds)}</td><td>{links} <a href="{place}/policy.json">law</a></td></tr>\n'
    )


def _consumers(manifest: Manifest, config: PublishConfig) -> Iterator[str]:
    known = formats()
    grouped = {name for group in _GROUPS.values() for name in group}
    others = tuple(name for name in known if name not in grouped)
    for title, names in {**_GROUPS, _OTHERS: others}.items():
        lines = [_consumer(known[name], manifest, config) for name in names]
        if any(lines):
            yield f"<h3>{escape(title)}</h3>\n{''.join(lines)}"


def _consumer(form: Format, manifest: Manifest, config: PublishConfig) -> str:
    path = form.path("all/strict", f"{config.title} all, strict")
    if path not in manifest.files:
        return ""
    url = f"{config.base_url.rstrip('/')}/{path}" if config.base_url else path
    line = form.subscribe.format(url=url, file=form.file)
    return (
        f"<details><summary>{escape(form.consumers)} "
        f'<span class="soft">{escape(form.name)}</span></summary>'
        f"<code>{escape(line)}</code></details>\n"
    )


def _verify(signer: Signer) -> str:
    """How a consumer proves that the files are ours, with OpenSSH and coreutils alone."""
    return f"""<h2 id="verify">Verify</h2>
<p>Keep <a href="{SIGNERS}">{SIGNERS}</a> from your first visit (key
<b class="key">{escape(signer.fingerprint)}</b>). At every pull, fetch <a href="{SUMS}">{SUMS}</a>
and <a href="{SUMS}.sig">{SUMS}.sig</a> with the files and use them only when this ends well:</p>
<code>{escape(VERIFY)}</code>
"""


def _row(step: Step, manifest: Manifest) -> str:
    counts = step.counts.get("all/wide")
    cells = (counts.entries, counts.added, counts.removed) if counts else (0, 0, 0)
    change = _change(step, manifest)
    serial = f'<a href="{escape(change)}">{step.serial}</a>' if change else str(step.serial)
    numbers = "".join(f"<td>{cell:,}</td>" for cell in cells)
    return f"<tr><td>{serial}</td><td>{stamp(step.published_at)[:10]}</td>{numbers}</tr>\n"


def _change(step: Step, manifest: Manifest) -> str:
    """The file that leads to `step` from the release before it, or ""."""
    steps = (before for before, after in pairwise(reversed(manifest.history)) if after == step)
    path = next((delta.path(before.serial, step.serial) for before in steps), "")
    return path if path in manifest.files else ""


def _chart(history: tuple[Step, ...]) -> str:
    """Entries of all over the releases, oldest left; nothing before there are two."""
    steps = [step for step in reversed(history) if "all/wide" in step.counts]
    if len(steps) < 2:
        return ""
    sizes = {
        tier: [step.counts[f"all/{tier}"].entries for step in steps if f"all/{tier}" in step.counts]
        for tier in ("wide", "strict")
    }
    top = max(*sizes["wide"], *sizes["strict"], 1)
    lines = "".join(
        f'<polyline class="{tier[0]}" points="{_points(values, top)}"/>'
        f'<text x="592" y="{_height(values[-1], top) - 7:.0f}" text-anchor="end">'
        f"{tier} {values[-1]:,}</text>"
        for tier, values in sizes.items()
        if len(values) > 1
    )
    first, last = (stamp(step.published_at)[:10] for step in (steps[0], steps[-1]))
    wide = sizes["wide"]
    return (
        f'<svg viewBox="0 0 600 170" role="img" aria-label="Entries of all, wide over the last '
        f'{len(steps)} releases, from {wide[0]:,} to {wide[-1]:,}">'
        f'<line class="axis" x1="8" y1="150" x2="592" y2="150"/>{lines}'
        f'<text x="8" y="166">{first}</text>'
        f'<text x="592" y="166" text-anchor="end">{last}</text></svg>\n'
    )


def _height(size: int, top: int) -> float:
    return 150 - 120 * size / top


def _points(sizes: list[int], top: int) -> str:
    step = 584 / (len(sizes) - 1)
    return " ".join(f"{8 + step * i:.1f},{_height(n, top):.1f}" for i, n in enumerate(sizes))


def feed(manifest: Manifest, config: PublishConfig) -> str:
    """Atom (RFC 4287): one entry a release, newest first, with what changed in each list."""
    base = config.base_url.rstrip("/")
    entries = "".join(_entry(step, manifest, config, base) for step in manifest.history)
    self_link = f'<link rel="self" href="{escape(base)}/feed.xml"/>\n' if base else ""
    return f"""<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
<id>{escape(base or "urn:scamtrail:feed")}</id>
<title>{escape(config.title)}: changes of the lists</title>
<updated>{stamp(manifest.published_at)}</updated>
<author><name>{escape(config.title)}</name></author>
{self_link}{entries}</feed>
"""


def _entry(step: Step, manifest: Manifest, config: PublishConfig, base: str) -> str:
    summary = "; ".join(
        f"{name.replace('/', ', ')}: {counts.entries} entries, +{counts.added} −{counts.removed}"
        for name, counts in step.counts.items()
        if counts.added or counts.removed or not name.startswith(f"{POLICIES}/")
    )
    target = _change(step, manifest) or "index.html"
    href = f"{base}/{target}" if base else target
    return f"""<entry>
<id>urn:scamtrail:release:{step.serial}</id>
<title>Release {step.serial}</title>
<updated>{stamp(step.published_at)}</updated>
<link href="{escape(href)}"/>
<summary>{escape(summary)}</summary>
</entry>
"""
