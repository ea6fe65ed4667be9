"""Inline SVG for the desk: bars, stacks, lines and a map. Pure; every text is escaped.

Drawn here because a chart library needs script, and the common one (Vega) also `eval`, which the
desk's Content-Security-Policy forbids; these charts show without any script.
"""

import csv
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files

from markupsafe import Markup, escape

WIDTH, HEIGHT, LEFT, BOTTOM = 640, 220, 44, 22


def weight_bar(weight: float, most: float) -> Markup:
    """One contribution to the log-odds: to the right for a scam, to the left for innocence."""
    share = 0.0 if most <= 0 else min(1.0, abs(weight) / most) * 50
    start = 50.0 if weight >= 0 else 50 - share
    side = "guilty" if weight >= 0 else "innocent"
    return Markup(
        f'<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="{side}" x="{start:.2f}" y="1" width="{share:.2f}" height="8"/>'
        f'<line x1="50" x2="50" y1="0" y2="10"/></svg>'
    )


def share_bar(part: float, most: float) -> Markup:
    """A plain bar for a count in a table."""
    share = 0.0 if most <= 0 else min(1.0, part / most) * 100
    return Markup(
        f'<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="plain" x="0" y="1" width="{share:.2f}" height="8"/></svg>'
    )


def stacks(
    columns: Sequence[tuple[str, Mapping[str, int]]], names: Sequence[str], title: str
) -> Markup:
    """Stacked columns: (label, name → count), the names from the bottom up."""
    most = max((sum(counts.values()) for _, counts in columns), default=0)
    step = (WIDTH - LEFT) / max(1, len(columns))
    parts = []
    for number, (label, counts) in enumerate(columns):
        top = float(HEIGHT - BOTTOM)
        for name in names:
            if count := counts.get(name, 0):
                tall = (HEIGHT - BOTTOM - 12) * count / most
                top -= tall
                parts.append(
                    f'<rect class="{escape(name)}" x="{LEFT + number * step + 1:.1f}"'
                    f' y="{top:.1f}" width="{max(1.0, step - 2):.1f}" height="{tall:.1f}">'
                    f"<title>{escape(label)}: {escape(name)} {count:,}</title></rect>"
                )
    return _frame(parts, [label for label, _ in columns], most, title)


def lines(points: Sequence[tuple[str, Mapping[str, int]]], names: Sequence[str],
          title: str) -> Markup:  # fmt: skip
    """One line a name over (label, name → value)."""
    most = max((value for _, values in points for value in values.values()), default=0)
    step = (WIDTH - LEFT - 8) / max(1, len(points) - 1)
    parts = []
    for name in names:
        way = " ".join(
            f"{LEFT + number * step:.1f},"
            f"{HEIGHT - BOTTOM - (HEIGHT - BOTTOM - 12) * values.get(name, 0) / max(1, most):.1f}"
            for number, (_, values) in enumerate(points)
        )
        if points:  # what there is of a line with one point
            x, y = way.split(" ")[-1].split(",")
            parts.append(f'<circle class="point" cx="{x}" cy="{y}" r="4"/>')
        parts.append(f'<polyline class="{escape(name)}" points="{way}"><title>{escape(name)}'
                     f"</title></polyline>")  # fmt: skip
    return _frame(parts, [label for label, _ in points], most, title)


def _frame(parts: Sequence[str], labels: Sequence[str], most: int, title: str) -> Markup:
    base = HEIGHT - BOTTOM
    step = (WIDTH - LEFT) / max(1, len(labels))
    every = max(1, -(-len(labels) // 6))
    last = len(labels) - 1 if len(labels) > 1 else -1

    def mark(number: int) -> str:
        if number == last:
            return f'x="{WIDTH}" text-anchor="end"'
        return f'x="{LEFT + number * step:.1f}"'

    marks = "".join(
        f'<text {mark(number)} y="{HEIGHT - 6}">{escape(label)}</text>'
        for number, label in enumerate(labels)
        if number % every == 0
    )
    return Markup(
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        f' aria-label="{escape(title)}">'
        f'<line class="axis" x1="{LEFT}" x2="{WIDTH}" y1="{base}" y2="{base}"/>'
        f'<line class="axis faint" x1="{LEFT}" x2="{WIDTH}" y1="12" y2="12"/>'
        f'<text x="{LEFT - 6}" y="16" text-anchor="end">{most:,}</text>'
        f'<text x="{LEFT - 6}" y="{base}" text-anchor="end">0</text>{"".join(parts)}{marks}</svg>'
    )


@cache
def places() -> dict[str, tuple[float, float]]:
    """ISO 3166-1 alpha-2 code → latitude and longitude of the country's middle, in degrees."""
    text = (files("crawler.desk") / "countries.csv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines())
    return {row["code"]: (float(row["latitude"]), float(row["longitude"])) for row in rows}


def world(
    counts: Mapping[str, int], address: Callable[[str], str], title: str
) -> tuple[Markup, list[str]]:
    """A map without tiles or outlines: a circle a country, its area as its count, linked to
    `address(code)`; every country that is known is a dot, so that the continents show. Also returns
    the codes that have no place."""
    most = max(counts.values(), default=0)
    dots, circles = [], []
    for code, (latitude, longitude) in places().items():
        x, y = _project(latitude, longitude)
        if not (count := counts.get(code, 0)):
            dots.append(f'<circle class="land" cx="{x:.0f}" cy="{y:.0f}" r="2"/>')
            continue
        radius = 5 + 17 * (count / most) ** 0.5
        circles.append(
            (count, f'<a href="{escape(address(code))}"><circle class="hosting" cx="{x:.0f}"'
             f' cy="{y:.0f}" r="{radius:.1f}"><title>{escape(code)}: {count:,}</title></circle>'
             f'<text x="{x:.0f}" y="{y + 4:.0f}" text-anchor="middle">{escape(code)}</text></a>')
        )  # fmt: skip
    grid = "".join(
        f'<line class="faint" x1="{_project(0, degrees)[0]:.0f}"'
        f' x2="{_project(0, degrees)[0]:.0f}" y1="0" y2="330"/>'
        for degrees in range(-150, 181, 30)
    ) + "".join(
        f'<line class="faint" x1="0" x2="720" y1="{_project(degrees, 0)[1]:.0f}"'
        f' y2="{_project(degrees, 0)[1]:.0f}"/>'
        for degrees in (-30, 0, 30, 60)
    )
    largest_first = "".join(part for _, part in sorted(circles, key=lambda item: -item[0]))
    return Markup(
        f'<svg class="chart world" viewBox="0 0 720 330" role="group" aria-label="{escape(title)}">'
        f"{grid}{''.join(dots)}{largest_first}</svg>"
    ), sorted(code for code in counts if code not in places())


def _project(latitude: float, longitude: float) -> tuple[float, float]:
    """Plate carrée, 2 units a degree, from 78° north to 57° south with a little squeeze."""
    return (longitude + 180) * 2, (78 - latitude) * 330 / 135


def legend(names: Sequence[tuple[str, str]]) -> Markup:
    """(CSS class, text) pairs with their colours."""
    return Markup('<p class="legend">{}</p>').format(
        Markup("").join(
            Markup('<span><i class="{}"></i>{}</span>').format(name, text) for name, text in names
        )
    )
