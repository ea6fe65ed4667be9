"""Which judged sites become entries of which list, and why the others do not."""

import csv
import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from itertools import groupby

from blocklists.collapse import collapse_listings, host_of, is_covered, parents, reversed_labels
from blocklists.policy import FOLDER as POLICIES
from blocklists.policy import Policy
from crawler.model import Category, Listing
from crawler.names import (
    address,
    is_public_suffix,
    is_under_private_suffix,
    normalise_host,
    registered_domain,
)

LISTS: Mapping[str, frozenset[Category]] = {
    "all": frozenset({Category.GAMBLING, Category.INVESTMENT, Category.OTHER_SCAM}),
    "gambling": frozenset({Category.GAMBLING}),
    "investment": frozenset({Category.INVESTMENT}),
}


@dataclass(frozen=True, slots=True)
class Tier:
    """What a site must show. `fresh_days` 0 means: as long as findings are kept."""

    name: str
    probability: float
    strong: int
    pages: int
    fresh_days: int
    innocent_share: float
    statuses: frozenset[str]


# The one place for thresholds. An ISP applies `strict` to people who never asked for it, so it
# takes two independent strong signals (one alone is what a hacked page, a quotation or a review
# shows), two guilty pages or a report (one page may be a single posted text), an answer within a
# week (scam sites live for weeks, and their names are sold on) and hardly an innocent page.
# `wide` is for those who chose it: one strong signal, but never mostly innocent pages, and a site
# that answers our crawler with a block or an error stays for as long as findings are kept.
# A country's list is applied to everybody too, so it takes what `strict` takes.
STRICT = Tier("strict", 0.97, 2, 2, 7, 0.25, frozenset({"live"}))
TIERS = (STRICT, Tier("wide", 0.90, 1, 1, 0, 0.5, frozenset({"live", "blocked", "error"})))

# Three labels that have nothing to do with one another are what a wildcard farm has; two are what
# an innocent domain with two hacked hosts can have.
UNRELATED_LABELS = 3

# So many sites of their own behind one address, all listed and none beside them, and it is theirs:
# a hoster that puts strangers together has innocent ones among them.
DEDICATED_DOMAINS = 3

# The address of one page: never a front page, and in a form that every list can hold in a line.
PAGE = re.compile(r"https?://[a-z0-9._-]+(?::\d+)?/[!-~]+")

HACKED_KIND = "hacked"
HACKED = "hacked: the site is its owner's, only its URLs are guilty"

# The same site under another name, so no further label of a farm.
_SAME_SITE = frozenset({"www", "m", "wap", "mobile", "h5"})


@dataclass(frozen=True, slots=True)
class GuiltyPage:
    """One page of a hacked host, judged by itself; `reasons` and `strong` as in `Site`."""

    url: str
    category: Category
    probability: float
    strong: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Address:
    """An address with every host that was seen at it. `asn` is 0 where the network is unknown."""

    ip: str
    hosts: frozenset[str]
    asn: int
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class Site:
    """A judged host.

    `reasons` are short texts of its strongest evidence, best first; `strong` counts independent
    strong pieces of evidence; `pages` are guilty ones, `accused_in` reports that accuse the host.
    `scam_labels` counts distinct hosts judged scam below the registered domain, `apex_innocent`
    says that the registered domain itself shows something innocent. `exact_only` forbids an entry
    that covers more than the host. `guilty_pages` are those of a hacked host, which is innocent.
    """

    host: str
    registered_domain: str
    category: Category
    kind: str
    probability: float
    status: str
    last_checked: datetime
    first_seen: datetime
    reasons: tuple[str, ...] = ()
    strong: int = 0
    pages: int = 0
    innocent_pages: int = 0
    accused_in: int = 0
    guilty_pages: tuple[GuiltyPage, ...] = ()
    scam_labels: int = 0
    apex_innocent: bool = False
    exact_only: bool = False


@dataclass(frozen=True, slots=True)
class Override:
    """A person's decision. `action` is allow or deny; `expires_at` None is for good."""

    domain: str
    action: str
    reason: str
    author: str
    created_at: datetime
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a name is not in a list that its category would put it in."""

    domain: str
    list: str
    tier: str
    reason: str


@dataclass(frozen=True, slots=True)
class Selection:
    """The entries, sorted by list, tier and reversed labels, and what was refused."""

    listings: tuple[Listing, ...]
    refusals: tuple[Refusal, ...]


Protected = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class _Rules:
    """The overrides in force by domain, and the guards that hold for every entry."""

    allow: Mapping[str, Override]
    deny: Mapping[str, Override]
    above_allowed: frozenset[str]
    protected: Protected
    licensed: Mapping[str, str] = field(default_factory=dict)

    def respecting(self, policies: Iterable[Policy]) -> "_Rules":
        """These rules where nobody with a licence by one of `policies` is an entry."""
        licensed = {
            name: f"licensed in {policy.country}: {operator}"
            for policy in policies
            for name, operator in policy.licensed.items()
        }
        above = {parent for name in licensed for parent in parents(name)}
        return replace(self, licensed=licensed, above_allowed=self.above_allowed | above)

    def concerns(self, domain: str) -> bool:
        """Whether a licence changes what may be listed of `domain`."""
        host = host_of(domain)
        return host in self.above_allowed or is_covered(host, self.licensed.keys())

    def barred(self, domain: str) -> str:
        """Why `domain` may be no entry at all, or ""."""
        if address(domain):
            return "an address: lists hold names, and an address is shared by many"
        if is_public_suffix(domain):
            return "a public suffix: strangers register names below it"
        if reason := self.cleared(domain):
            return reason
        if reason := self.protected(domain):
            return f"protected: {reason}"
        return ""

    def cleared(self, domain: str) -> str:
        """The licence or decision by which `domain` is innocent, or ""."""
        for name in (domain, *parents(domain)):
            if licence := self.licensed.get(name):
                return licence
        for name in (domain, *parents(domain)):
            if allow := self.allow.get(name):
                return f"allowed by {allow.author}: {allow.reason}"
            if name in self.deny:
                break
        return ""


def select(
    sites: Iterable[Site],
    overrides: Iterable[Override],
    *,
    protected: Protected,
    now: datetime,
    keep_days: int,
    policies: Sequence[Policy] = (),
    addresses: Iterable[Address] = (),
) -> Selection:
    """Decides every list and tier. `protected` gives the reason why a host is never listed, or "".

    Who is licensed by any of `policies` is in none of the general lists, and not in the list of
    the country that licensed him. The result depends on nothing but the arguments, whatever their
    order.
    """
    rules = _rules(overrides, protected, now)
    by_domain = sorted(sites, key=lambda site: (site.registered_domain, site.host))
    groups = [tuple(group) for _, group in groupby(by_domain, key=lambda s: s.registered_domain)]
    denied = tuple(_denied(rules, by_domain))
    everywhere = rules.respecting(policies)
    seen_at = sorted(addresses, key=lambda item: item.ip)
    listings: list[Listing] = []
    refusals: set[Refusal] = set()
    for name, categories in LISTS.items():
        for tier in TIERS:
            entries: list[Listing] = []
            for group in groups:
                for found in _group(group, name, categories, tier, everywhere, now, keep_days):
                    if isinstance(found, Listing):
                        entries.append(found)
                    else:
                        refusals.add(found)
            for found in _denials(denied, name, categories, tier, everywhere):
                if isinstance(found, Listing):
                    entries.append(found)
                else:
                    refusals.add(found)
            collapsed = collapse_listings(entries)
            listings += collapsed
            for found in _dedicated(seen_at, collapsed, name, tier, now, keep_days):
                if isinstance(found, Listing):
                    listings.append(found)
                else:
                    refusals.add(found)
    # Most policies forbid the same, and a licence concerns few: what is common is decided once.
    common: dict[frozenset[Category], list[list[Listing]]] = {}
    for policy in policies:
        own, categories = rules.respecting([policy]), policy.categories
        if categories not in common:
            common[categories] = [
                [
                    found
                    for found in _group(group, POLICIES, categories, STRICT, rules, now, keep_days)
                    if isinstance(found, Listing)
                ]
                for group in groups
            ]
        tier = replace(STRICT, name=policy.code)
        entries = []
        for group, usual in zip(groups, common[categories], strict=True):
            if not any(own.concerns(entry.domain) for entry in usual):
                entries += (replace(entry, tier=policy.code) for entry in usual)
                continue
            for found in _group(group, POLICIES, categories, tier, own, now, keep_days):
                if isinstance(found, Listing):
                    entries.append(found)
                elif own.concerns(found.domain):
                    refusals.add(found)
        for found in _denials(denied, POLICIES, categories, tier, own):
            if isinstance(found, Listing):
                entries.append(found)
            else:
                refusals.add(found)
        listings += collapse_listings(entries)
    return Selection(tuple(listings), tuple(sorted(refusals, key=_refusal_order)))


def _refusal_order(refusal: Refusal) -> tuple[str, str, str, str]:
    return reversed_labels(refusal.domain), refusal.list, refusal.tier, refusal.reason


def _rules(overrides: Iterable[Override], protected: Protected, now: datetime) -> _Rules:
    """The newest override of a domain counts; of two made at once, the one that allows."""
    latest: dict[str, Override] = {}
    for override in sorted(overrides, key=lambda o: (o.created_at, o.action == "allow")):
        if override.expires_at is None or override.expires_at > now:
            latest[normalise_host(override.domain)] = override
    allow = {domain: o for domain, o in latest.items() if o.action == "allow"}
    deny = {domain: o for domain, o in latest.items() if o.action == "deny"}
    above = frozenset(parent for domain in allow for parent in parents(domain))
    return _Rules(allow, deny, above, protected)


def _denied(rules: _Rules, sites: Sequence[Site]) -> Iterator[tuple[Override, Category]]:
    """Each denial with the category of the site it names; without one it is in `all` only."""
    category = {site.host: site.category for site in sites}
    for domain in sorted(rules.deny):
        yield rules.deny[domain], category.get(domain, Category.OTHER_SCAM)


def _denials(
    denied: Iterable[tuple[Override, Category]],
    name: str,
    categories: frozenset[Category],
    tier: Tier,
    rules: _Rules,
) -> Iterator[Listing | Refusal]:
    for override, category in denied:
        if name == "all" or category in categories:
            if reason := rules.barred(override.domain):
                yield Refusal(override.domain, name, tier.name, reason)
            else:
                yield _denial(override, name, tier, rules)


def _denial(override: Override, name: str, tier: Tier, rules: _Rules) -> Listing:
    domain = normalise_host(override.domain)
    return Listing(
        domain,
        name,
        tier.name,
        since=override.created_at,
        reason=f"denied by {override.author}: {override.reason}",
        expires=override.expires_at,
        exact=is_under_private_suffix(domain) or domain in rules.above_allowed,
    )


def _group(
    group: Sequence[Site],
    name: str,
    categories: frozenset[Category],
    tier: Tier,
    rules: _Rules,
    now: datetime,
    keep_days: int,
) -> Iterator[Listing | Refusal]:
    """What becomes of the sites of one registered domain in one list and tier."""
    yield from _hacked(group, name, categories, tier, rules, now, keep_days)
    ours = [site for site in group if site.category in categories and site.kind != HACKED_KIND]
    if not ours:
        return
    farm = len(_labels(ours)) >= UNRELATED_LABELS
    pages = sum(site.pages for site in ours) if farm else 0
    guilty: list[Site] = []
    for site in ours:
        reason = _lacking(site, tier, max(pages, site.pages), now, keep_days)
        if reason := reason or rules.barred(site.host):
            yield Refusal(site.host, name, tier.name, reason)
        else:
            guilty.append(site)
    if not guilty:
        return
    domain = guilty[0].registered_domain
    if covering := _covering(guilty, group, rules):
        best = max(guilty, key=lambda site: (site.host == domain, site.probability, site.host))
        since = min(site.first_seen for site in guilty)
        yield _listing(best, name, tier, keep_days, domain, since, f"{covering}; ")
        return
    innocent = [site.host for site in group if _innocent(site)]
    for site in guilty:
        alone = (
            site.exact_only
            or is_under_private_suffix(site.host)
            or site.host in rules.above_allowed
            or any(host.endswith(f".{site.host}") for host in innocent)
            or (site.host == domain and site.apex_innocent)
        )
        yield _listing(site, name, tier, keep_days, site.host, site.first_seen, exact=alone)


def _lacking(site: Site, tier: Tier, pages: int, now: datetime, keep_days: int) -> str:
    """What `site` lacks for `tier`, or ""."""
    if reason := _stale(site, tier, now, keep_days):
        return reason
    if site.probability < tier.probability:
        return f"probability {site.probability:.3f} is below {tier.probability}"
    if not site.reasons or site.strong < tier.strong:
        return f"{site.strong} strong pieces of evidence, {tier.strong} needed"
    if pages < tier.pages and not site.accused_in:
        return f"{pages} guilty pages and no report, {tier.pages} pages needed"
    seen = site.pages + site.innocent_pages
    if site.innocent_pages and site.innocent_pages >= tier.innocent_share * seen:
        return f"{site.innocent_pages} of {seen} pages are innocent"
    return ""


def _stale(site: Site, tier: Tier, now: datetime, keep_days: int) -> str:
    """Why what was seen of `site` is no longer so, or ""."""
    days = min(tier.fresh_days or keep_days, keep_days)
    if site.status not in tier.statuses:
        return f"{site.status}: not a live site at the last visit"
    if site.last_checked < now - timedelta(days=days):
        return f"not seen in the last {days} days"
    return ""


def _hacked(
    group: Sequence[Site],
    name: str,
    categories: frozenset[Category],
    tier: Tier,
    rules: _Rules,
    now: datetime,
    keep_days: int,
) -> Iterator[Listing | Refusal]:
    """The guilty pages of hacked hosts, one by one. A host that is protected stays unharmed by an
    entry for one page, so only licences and decisions speak against it.
    """
    for site in group:
        if site.kind != HACKED_KIND:
            continue
        pages = [page for page in site.guilty_pages if page.category in categories]
        if site.category in categories or pages:
            yield Refusal(site.host, name, tier.name, HACKED)
        if _stale(site, tier, now, keep_days) or rules.cleared(site.host):
            continue
        for page in pages:
            if (
                page.probability >= tier.probability
                and page.reasons
                and page.strong >= tier.strong
                and PAGE.fullmatch(page.url)
            ):
                found = replace(site, reasons=page.reasons)
                lead = "a page of a hacked site; "
                yield _listing(
                    found, name, tier, keep_days, page.url, site.first_seen, lead, exact=True
                )


def routable(text: str) -> bool:
    """Whether `text` is a public unicast address as `str` of it gives it."""
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return False
    return str(parsed) == text and parsed.is_global and not parsed.is_multicast


def _dedicated(
    addresses: Iterable[Address],
    entries: Iterable[Listing],
    name: str,
    tier: Tier,
    now: datetime,
    keep_days: int,
) -> Iterator[Listing | Refusal]:
    """The addresses at which nothing but listed sites was ever seen."""
    listed = tuple(entries)
    covering = frozenset(entry.domain for entry in listed if not entry.exact)
    exact = frozenset(entry.domain for entry in listed if entry.exact)
    days = min(tier.fresh_days or keep_days, keep_days)
    for item in addresses:
        guilty = {host for host in item.hosts if host in exact or is_covered(host, covering)}
        domains = {registered_domain(host) or host for host in guilty}
        if len(domains) < DEDICATED_DOMAINS or not routable(item.ip):
            continue
        if others := item.hosts - guilty:
            reason = f"shared: {len(others)} of {len(item.hosts)} hosts at it are not listed"
        elif owner := shared_networks().get(item.asn):
            reason = f"shared: in the network of {owner}"
        elif not item.asn:
            reason = "its network is unknown"
        elif item.last_seen < now - timedelta(days=days):
            reason = f"not seen in the last {days} days"
        else:
            yield Listing(
                item.ip,
                name,
                tier.name,
                since=item.first_seen,
                reason=f"{len(domains)} listed domains and nothing else at it",
                expires=item.last_seen + timedelta(days=days),
                exact=True,
            )
            continue
        yield Refusal(item.ip, name, tier.name, reason)


@cache
def shared_networks() -> Mapping[int, str]:
    """Networks whose addresses strangers share: content delivery, shared hosting, parking."""
    text = (files("blocklists") / "shared_networks.csv").read_text("utf-8")
    return {int(row["asn"]): row["name"] for row in csv.DictReader(text.splitlines())}


def _labels(sites: Iterable[Site]) -> frozenset[str]:
    """The labels right below the registered domain that `sites` have."""
    found = (
        site.host.removesuffix(f".{site.registered_domain}").rpartition(".")[2]
        for site in sites
        if site.host != site.registered_domain
    )
    return frozenset(found) - _SAME_SITE


def _innocent(site: Site) -> bool:
    return site.status == "live" and (site.category is Category.BENIGN or site.kind == HACKED_KIND)


def _covering(guilty: Sequence[Site], group: Sequence[Site], rules: _Rules) -> str:
    """Why the evidence covers all of the registered domain, or "" when it does not."""
    domain = guilty[0].registered_domain
    if (
        not domain
        or is_under_private_suffix(domain)
        or domain in rules.above_allowed
        or any(site.apex_innocent or site.exact_only or _innocent(site) for site in group)
        or rules.barred(domain)
    ):
        return ""
    if any(site.host in (domain, f"www.{domain}") for site in guilty):
        return "the domain itself is guilty"
    labels = max(len(_labels(guilty)), *(site.scam_labels for site in guilty))
    return f"{labels} unrelated hosts below it are guilty" if labels >= UNRELATED_LABELS else ""


def _listing(
    site: Site,
    name: str,
    tier: Tier,
    keep_days: int,
    domain: str,
    since: datetime,
    lead: str = "",
    *,
    exact: bool = False,
) -> Listing:
    days = min(tier.fresh_days or keep_days, keep_days)
    return Listing(
        domain,
        name,
        tier.name,
        since=since,
        reason=lead + "; ".join(site.reasons[:3]),
        expires=site.last_checked + timedelta(days=days),
        exact=exact,
    )
