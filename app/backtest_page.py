"""A comparison of two policies as a page that stands alone: no script, nothing from anywhere else.

The pictures are drawn in the page's own colours, so that they read in the light and in the dark; every number
in them is said to whoever cannot see them.
"""

from collections.abc import Sequence
from html import escape

from app.backtest_compare import DISPROVABLE, KINDS, Comparison
from app.backtest_table import called, rows, summary

WIDTH, HEIGHT, LEFT, BOTTOM = 720, 180, 44, 24
"""Of a picture, and the room for its numbers, in its own units."""
_STYLE = """
:root { color-scheme: light dark; --first: #1d4ed8; --second: #c2410c; --line: #8888; }
@media (prefers-color-scheme: dark) { :root { --first: #93c5fd; --second: #fdba74; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; } th { text-align: left; font-weight: normal; white-space: pre; }
td, thead th { padding: .15rem 0 .15rem 1.2rem; text-align: right; font-variant-numeric: tabular-nums; }
thead th { font-weight: bold; } figure { margin: 1rem 0; } svg { width: 100%; height: auto; }
svg text { fill: currentColor; font: 12px system-ui, sans-serif; }
.first { fill: var(--first); } .second { fill: var(--second); }
path.first, path.second { fill: none; stroke-width: 2; }
path.first { stroke: var(--first); } path.second { stroke: var(--second); stroke-dasharray: 7 4; }
.axis { stroke: var(--line); } .key { display: inline-block; width: .9em; height: .9em; }
"""


def page(found: Comparison) -> str:
    """The whole page as HTML."""
    one, two = (escape(counts.policy) for counts in found.policies)
    title = f"{one} against {two}"
    key = (
        f'<p><span class="key" style="background:var(--first)"></span> {one} (drawn through) '
        f'<span class="key" style="background:var(--second)"></span> {two} (dashed, and the second bar)</p>'
    )
    return "".join(
        (
            '<!doctype html><html lang="en"><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{title}</title><style>{_STYLE}</style><main><h1>{title}</h1>",
            f"<p>{escape(summary(found))}</p>",
            f'<table><thead><tr><th scope="col"></th><th scope="col">{one}</th><th scope="col">{two}</th>',
            f'<th scope="col">change</th></tr></thead><tbody>{_rows(found)}</tbody></table>{key}',
            "<h2>Alerts by hour of the day</h2>",
            *(_by_hour(found, kind) for kind in KINDS),
            "<h2>How early each true miss was known</h2>",
            _how_early(found),
            "<h2>Raised though somebody had come</h2>",
            _disproved(found),
            "</main></html>",
        )
    )


def _rows(found: Comparison) -> str:
    return "".join(
        f'<tr><th scope="row">{escape(what)}</th>{"".join(f"<td>{figure}</td>" for figure in figures)}</tr>'
        for what, figures in rows(found)
    )


def _by_hour(found: Comparison, kind: str) -> str:
    both = [counts.by_hour[kind] for counts in found.policies]
    if not any(map(any, both)):
        return f"<p>{escape(called(kind))}: none.</p>"
    return _bars(f"{called(kind)}, by hour on the home's wall", [str(hour) for hour in range(24)], both)


def _disproved(found: Comparison) -> str:
    kinds = [kind.value for kind in DISPROVABLE]
    both = [[counts.disproved[kind] for kind in kinds] for counts in found.policies]
    if not any(map(any, both)):
        return "<p>None.</p>"
    return _bars("Alerts that were not true when they were raised", [called(kind) for kind in kinds], both)


def _bars(caption: str, labels: Sequence[str], both: Sequence[Sequence[int]]) -> str:
    """Pairs of bars, each with its number for whoever points at it or listens to it."""
    most = max(max(counts) for counts in both)
    wide = (WIDTH - LEFT) / len(labels)
    parts = []
    for number, label in enumerate(labels):
        x = LEFT + number * wide
        for which, (counts, name) in enumerate(zip(both, ("first", "second"), strict=True)):
            tall = (HEIGHT - BOTTOM - 10) * counts[number] / most
            begin = x + wide * (0.1 + 0.4 * which)
            parts.append(
                f'<rect class="{name}" x="{begin:.1f}" y="{HEIGHT - BOTTOM - tall:.1f}" '
                f'width="{wide * 0.38:.1f}" height="{tall:.1f}">'
                f"<title>{escape(label)}: {counts[number]}</title></rect>"
            )
        parts.append(_text(x + wide / 2, HEIGHT - 7, label, "middle"))
    said = (f"{label}: {one}, {two}" for label, one, two in zip(labels, *both, strict=True) if one or two)
    return _figure(caption, "; ".join(said), most, parts)


def _how_early(found: Comparison) -> str:
    times = [counts.found_after for counts in found.policies]
    if not any(times):
        return "<p>No true miss was found.</p>"
    latest = max(max(minutes) for minutes in times if minutes) or 1.0
    parts = []
    for minutes, name in zip(times, ("first", "second"), strict=True):
        path = [f"M{LEFT},{HEIGHT - BOTTOM}"]
        for number, minute in enumerate(minutes, start=1):
            x = LEFT + (WIDTH - LEFT - 10) * max(minute, 0.0) / latest
            path.append(
                f"H{x:.1f}V{HEIGHT - BOTTOM - (HEIGHT - BOTTOM - 10) * number / found.true_misses:.1f}"
            )
        parts.append(f'<path class="{name}" d="{"".join(path)}H{WIDTH}"/>')
    for part in range(5):
        x = LEFT + (WIDTH - LEFT - 10) * part / 4
        anchor = ("start", "middle", "middle", "middle", "end")[part]
        parts.append(_text(x, HEIGHT - 7, f"{latest * part / 4:.0f} min", anchor))
    caption = f"True misses found by minutes after the planned start, of {found.true_misses}"
    said = "; ".join(", ".join(f"{minute:.0f}" for minute in minutes) or "none" for minutes in times)
    return _figure(caption, said, found.true_misses, parts)


def _figure(caption: str, said: str, most: int, parts: Sequence[str]) -> str:
    floor = HEIGHT - BOTTOM
    return (
        f'<figure><figcaption>{escape(caption)}</figcaption><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(caption)}: {escape(said)}">'
        f'<line class="axis" x1="{LEFT}" x2="{WIDTH}" y1="{floor}" y2="{floor}"/>'
        f'<line class="axis" x1="{LEFT}" x2="{WIDTH}" y1="10" y2="10"/>'
        f"{_text(LEFT - 6, 14, f'{most:,}', 'end')}{_text(LEFT - 6, floor, '0', 'end')}"
        f"{''.join(parts)}</svg></figure>"
    )


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
