"""Terms of the lexicon, by weight group; those in the title count more."""

from collections.abc import Iterator

from crawler.detect.lexicon import Hit
from crawler.detect.model import TITLE_FACTOR, WEIGHTS, saturate
from crawler.detect.signals import Clue, View, signal
from crawler.detect.text import snippet

# Gifts and prizes are offered by shops, too: beside no wager they weigh this part.
_LURE_ALONE = 0.4
_WAGERS = {"gambling.offer", "gambling.brand", "gambling.search"}
_TOWARDS = {"gambling": "gambling", "investment": "investment", "scam": "scam"}


@signal
def terms(view: View) -> Iterator[Clue]:
    """One clue a weight group: which of its terms stand on the page."""
    groups: dict[str, dict[str, Hit]] = {}
    for hit in view.hits:
        groups.setdefault(hit.term.group, {}).setdefault(hit.term.text, hit)
    in_title = view.in_title()
    for group, found in sorted(groups.items()):
        if (weight := WEIGHTS.get(group)) is None:
            continue
        # A term inside another one ("slot" in "slot online") is the same observation.
        distinct = [
            text for text in found if not any(text != other and text in other for other in found)
        ]
        count = len(distinct) + (TITLE_FACTOR - 1) * len(in_title.get(group, set()) & set(distinct))
        first = min(found.values(), key=lambda hit: hit.start)
        factor = _LURE_ALONE if group == "gambling.lure" and not _WAGERS & groups.keys() else 1.0
        yield Clue(
            signal=f"terms.{group}",
            towards=_TOWARDS.get(group.split(".")[0], "innocent"),
            weight=factor * saturate(weight.first, weight.cap, count),
            value=", ".join(_shown(found[text]) for text in distinct[:6]),
            snippet=snippet(view.text, first.start, first.end),
        )


def _shown(hit: Hit) -> str:
    term = hit.term
    return term.text if term.gloss == term.text else f"{term.text} ({term.gloss})"
