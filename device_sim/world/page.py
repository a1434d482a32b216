"""A score as a page that stands alone: no script, no style sheet, no picture from anywhere else."""

import base64
from collections.abc import Sequence
from datetime import datetime
from html import escape

from device_sim.world.plots import ANSWERED_WITHIN, svg
from device_sim.world.score import Called, Score
from device_sim.world.truth import WorldFact

MOST_LISTED = 200

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; } td, th { padding: .2rem .8rem .2rem 0; text-align: left; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
.held { color: #15803d; } .broken { color: #b91c1c; } img { width: 100%; background: white; }
"""


def page(world: WorldFact, score: Score) -> str:
    """The whole page as HTML."""
    verdict = (
        '<p class="held">Everything that was promised held.</p>'
        if score.held
        else '<p class="broken">Not everything held:</p>'
        + _list(score.faults[:MOST_LISTED], len(score.faults))
    )
    picture = base64.b64encode(svg(score)).decode()
    title = str(world).capitalize()
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
            f'<img alt="The same as bars, by hour, and how soon" src="data:image/svg+xml;base64,{picture}">',
            "<h2>Why the rules say what the truth does not</h2>",
            _counts(score.explained),
            "<h2>Calls for help</h2>",
            f"<p>{len(score.calls)} calls, {len(heard)} came through, "
            f"{sum(call.covered for call in heard)} of those raised an alert. {_answers(score)}</p>",
            "<h2>Events and receipts</h2>",
            f"<p>{_books(score)}</p>",
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


def _answers(score: Score) -> str:
    waits = sorted(call.answered_after_s for call in score.calls if call.answered_after_s is not None)
    if not waits:
        return "Nobody was there to answer."
    shares = [
        f"{sum(wait <= limit for wait in waits) / len(waits):.1%} within {limit} s"
        for limit in ANSWERED_WITHIN
    ]
    half = waits[len(waits) // 2]
    return f"Operators answered {len(waits)} of them, half within {half:.0f} s, {', '.join(shares)}."


def _books(score: Score) -> str:
    if (books := score.books) is None:
        return "A replay has no receipts: only a live service can lie."
    return (
        f"{books.said} events were said; {len(books.lost)} receipts lied, {len(books.doubled)} events are "
        f"stored twice, {len(books.phantom)} from nowhere, {len(books.owed)} have no receipt yet."
    )


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
