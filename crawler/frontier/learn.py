"""What past links were worth, and whose turn it is. No network, no clock.

The priority of a link is the chance that it leads to a scam domain not known before. The rules of
`detect.link_priority` are the prior; what links of the same kind led to moves it (the harvest rate
of focused crawlers, Chakrabarti et al. 1999), kept in the table `harvest` across runs.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import sqrt

# The prior weighs as much as so many fetches.
PRIOR_FETCHES = 12.0
# A network or a language halves its priority with each fourfold of so many queued URLs.
NETWORK_SIZE = 20
# No share is judged before so many pages.
LANGUAGE_PAGES = 100


@dataclass(slots=True)
class Harvest:
    """Kind of link → how often one was fetched and how often that found a new scam domain."""

    fetched: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)

    @classmethod
    def from_rows(cls, rows: Mapping[str, tuple[int, int]]) -> "Harvest":
        return cls(
            Counter({kind: fetched for kind, (fetched, _) in rows.items()}),
            Counter({kind: found for kind, (_, found) in rows.items()}),
        )

    def learn(self, kind: str, *, found: bool) -> None:
        self.fetched[kind] += 1
        self.found[kind] += found

    def expect(self, kind: str, prior: float) -> float:
        """The chance in [0, 1] that a link of this kind finds a new scam domain.

        Rises with `prior` among links of one kind, so the order of a page's own links stays.
        """
        return (self.found[kind] + PRIOR_FETCHES * prior) / (self.fetched[kind] + PRIOR_FETCHES)


@dataclass(slots=True)
class Fairness:
    """Holds back networks and languages that have had more than others."""

    networks: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)

    def turn(self, network: str, language: str) -> float:
        """The factor in (0, 1] for the next URL of this network, found on a page so written."""
        factor = 1 / sqrt(1 + self.networks[network] / NETWORK_SIZE)
        pages = self.languages.total()
        if pages >= LANGUAGE_PAGES and self.languages[language]:
            fair = pages / len(self.languages)
            factor *= min(1.0, sqrt(fair / self.languages[language]))
        return factor

    def queued(self, network: str) -> None:
        self.networks[network] += 1

    def seen(self, language: str) -> None:
        self.languages[language] += 1


def stem(registered_domain: str) -> str:
    """The name that mirrors share: without suffix, numbers and what hyphens and digits add.

    >>> stem("luckybet68-02.test")
    'luckybet'
    """
    label = registered_domain.partition(".")[0]
    return re.sub(r"[-_]?\d+", "", label).strip("-_") or label
