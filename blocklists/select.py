"""Which judged sites become entries of which list, and why the others do not."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby

from blocklists.collapse import collapse_listings, is_covered, parents, reversed_labels
from blocklists.policy import FOLDER as POLICIES
from blocklists.policy import Policy
from crawler.model import Category, Listing
from crawler.names import (
    address,
    is_public_suffix,
    is_under_private_suffix,
    normalise_host,
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

# The same site under another name, so no further label of a farm.
_SAME_SITE = frozenset({"www", "m", "wap", "mobile", "h5"})


@dataclass(frozen=True, slots=True)
class Site:
    """A judged host.

    `reasons` are short texts of its strongest evidence, best first; `strong` counts independent
    strong pieces of evidence; `pages` are guilty ones, `accused_in` reports that accuse the host.
    `scam_labels` counts distinct hosts judged scam below the registered domain, `apex_innocent`
    says that the registered domain itself shows something innocent. `exact_only` forbids an entry
    that covers more than the host.
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
    urls: tuple[str, ...] = ()
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
        return domain in self.above_allowed or is_covered(domain, self.licensed.keys())

    def barred(self, domain: str) -> str:
        """Why `domain` may be no entry at all, or ""."""
        if address(domain):
            return "an address: lists hold names, and an address is shared by many"
        if is_public_suffix(domain):
            return "a public suffix: strangers register names below it"
        for name in (domain, *parents(domain)):
            if licence := self.licensed.get(name):
                return licence
        for name in (domain, *parents(domain)):
            if allow := self.allow.get(name):
                return f"allowed by {allow.author}: {allow.reason}"
            if name in self.deny:
                break
        if reason := self.protected(domain):
            return f"protected: {reason}"
        return ""


def select(
    sites: Iterable[Site],
    overrides: Iterable[Override],
    *,
    protected: Protected,
    now: datetime,
    keep_days: int,
    policies: Sequence[Policy] = (),
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
            listings += collapse_listings(entries)
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
    ours = [site for site in group if site.category in categories]
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
    days = min(tier.fresh_days or keep_days, keep_days)
    if site.kind == "hacked":
        return "hacked: the site is its owner's, only its URLs are guilty"
    if site.status not in tier.statuses:
        return f"{site.status}: not a live site at the last visit"
    if site.last_checked < now - timedelta(days=days):
        return f"not seen in the last {days} days"
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


def _labels(sites: Iterable[Site]) -> frozenset[str]:
    """The labels right below the registered domain that `sites` have."""
    found = (
        site.host.removesuffix(f".{site.registered_domain}").rpartition(".")[2]
        for site in sites
        if site.host != site.registered_domain
    )
    return frozenset(found) - _SAME_SITE


def _innocent(site: Site) -> bool:
    return site.status == "live" and (site.category is Category.BENIGN or site.kind == "hacked")


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
