"""A score as a page that stands alone: no script, no style sheet, no picture from anywhere else."""

from collections.abc import Sequence
from datetime import datetime
from html import escape

from device_sim.world.score import Called, Finding, Really, Score
from device_sim.world.truth import WorldFact

COLOURS = {
    Called.NOTHING: "#9aa5b1",
    Called.MISSED: "#c2410c",
    Called.UNVERIFIED: "#b58900",
    Called.PART: "#2563eb",
}
WIDTH, BAR, LABEL = 760, 22, 270
MOST_LISTED = 200

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; } td, th { padding: .2rem .8rem .2rem 0; text-align: left; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
.held { color: #15803d; } .broken { color: #b91c1c; } svg text { fill: currentColor; font: 13px system-ui; }
"""


def page(world: WorldFact, score: Score) -> str:
    """The whole page as HTML."""
    verdict = (
        '<p class="held">Everything that was promised held.</p>'
        if score.held
        else '<p class="broken">Not everything held:</p>'
        + _list(score.faults[:MOST_LISTED], len(score.faults))
    )
    title = f"Seed {world.seed}: {world.homes} homes, {world.days} days"
    heard = [call for call in score.calls if call.received_at is not None]
    return "".join(
        (
            '<!doctype html><html lang="en"><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title><style>{_STYLE}</style>",
            f"<h1>{escape(title)}</h1><p>{_period(world.begin, world.until)}. Faults on the way: ",
            escape(", ".join(f"{name} {share:g}" for name, share in world.faults.items()) or "none"),
            f".</p>{verdict}",
            f"<h2>{score.visits} visits: what happened, and what was first said</h2>",
            _crossed(score),
            _what_was_said(score),
            "<h2>Misses and doubts by the hour of the visit</h2>",
            _by_hour(score.findings),
            "<h2>Why the rules say what the truth does not</h2>",
            _counts(score.explained),
            "<h2>Calls for help</h2>",
            f"<p>{len(score.calls)} calls, {len(heard)} came through, "
            f"{sum(call.covered for call in heard)} of those raised an alert.</p>",
            "<h2>Times</h2>",
            f"<p>{_after(score)}</p></html>",
        )
    )


def _period(begin: datetime, until: datetime) -> str:
    return f"{begin:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC"


def _after(score: Score) -> str:
    soon = sorted(score.found_after_s)
    told = "No visit was really missed."
    if soon:
        told = (
            f"{len(soon)} real misses were raised; half of them within {soon[len(soon) // 2]:.1f} s of the "
            f"moment at which they count as missed, all within {soon[-1]:.1f} s."
        )
    if score.arrival_error_s is not None:
        told += f" Half of the arrivals were recorded within {score.arrival_error_s:.0f} s of the truth."
    return told


def _list(lines: Sequence[str], total: int) -> str:
    more = f"<li>and {total - len(lines)} more</li>" if total > len(lines) else ""
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}{more}</ul>"


def _crossed(score: Score) -> str:
    head = "".join(f"<th>{escape(called.value)}</th>" for called in Called)
    rows = "".join(
        f"<tr><th>{escape(what)}</th>"
        + "".join(f'<td class="n">{count}</td>' for count in row.values())
        + "</tr>"
        for what, row in score.table.items()
    )
    return f"<table><tr><th></th>{head}</tr>{rows}</table>"


def _counts(counts: dict[str, int]) -> str:
    if not counts:
        return "<p>They agree everywhere.</p>"
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    rows = "".join(f'<tr><td class="n">{count}</td><td>{escape(why)}</td></tr>' for why, count in ordered)
    return f"<table>{rows}</table>"


def _what_was_said(score: Score) -> str:
    """For each thing that happened a bar of its own length, cut by what was said of it."""
    bars = [
        (
            what.value,
            [(called.value, score.table[what.value][called.value], COLOURS[called]) for called in Called],
        )
        for what in Really
    ]
    return _svg(bars, "What was first said of each visit, by what happened")


def _by_hour(findings: Sequence[Finding]) -> str:
    bars = []
    for hour in sorted({found.start.hour for found in findings if found.called is not Called.NOTHING}):
        own = [found for found in findings if found.start.hour == hour]
        parts = [
            (called.value, sum(found.called is called for found in own), COLOURS[called])
            for called in Called
            if called is not Called.NOTHING
        ]
        bars.append((f"{hour:02d}:00 UTC", parts))
    return _svg(bars, "Alerts about visits by hour", shared_scale=True) if bars else "<p>None.</p>"


def _svg(
    bars: Sequence[tuple[str, Sequence[tuple[str, int, str]]]], name: str, *, shared_scale: bool = False
) -> str:
    """Lying bars. With one scale for all, lengths compare; else each bar is all of its own."""
    longest = max((sum(count for _, count, _ in parts) for _, parts in bars), default=0) or 1
    drawn = []
    for row, (label, parts) in enumerate(bars):
        top, left = row * (BAR + 8), float(LABEL)
        total = sum(count for _, count, _ in parts)
        drawn.append(f'<text x="0" y="{top + 16}">{escape(label)} ({total})</text>')
        for what, count, colour in parts:
            width = (WIDTH - LABEL) * count / ((longest if shared_scale else total) or 1)
            if count:
                drawn.append(
                    f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{BAR}" fill="{colour}">'
                    f"<title>{escape(label)}: {escape(what)} {count}</title></rect>"
                )
            left += width
    bottom = len(bars) * (BAR + 8)
    at = 0
    for called, colour in COLOURS.items():
        drawn.append(f'<rect x="{at}" y="{bottom + 6}" width="12" height="12" fill="{colour}"/>')
        drawn.append(f'<text x="{at + 18}" y="{bottom + 17}">{escape(called.value)}</text>')
        at += 160
    return (
        f'<svg role="img" aria-label="{escape(name)}" viewBox="0 0 {WIDTH} {bottom + 26}" width="100%">'
        f"{''.join(drawn)}</svg>"
    )
