"""A score drawn: what happened by what was said, when, and how soon. By matplotlib, without a window."""

import io
from collections.abc import Sequence
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from device_sim.world.score import Called, Finding, Really, Score

COLOURS = {
    Called.NOTHING: "#9aa5b1",
    Called.MISSED: "#c2410c",
    Called.UNVERIFIED: "#b58900",
    Called.PART: "#2563eb",
}
WIDTH, HEIGHT_OF_A_PLOT = 9.0, 2.9
"""Inches."""
ANSWERED_WITHIN = (60, 180)
"""Seconds in which 97.5 % and 99 % of calls are to be answered (domain/alarms.md §2)."""

_SVG: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "threshold"}
"""Text stays text, and the same score is the same picture."""


def png(score: Score) -> bytes:
    """The plots as a PNG picture."""
    return _saved(score, "png", {"Software": None})


def svg(score: Score) -> bytes:
    """The plots as an SVG picture."""
    return _saved(score, "svg", {"Date": None, "Creator": None})


def _saved(score: Score, kind: str, metadata: dict[str, None]) -> bytes:
    out = io.BytesIO()
    with matplotlib.rc_context(_SVG):
        _figure(score).savefig(out, format=kind, dpi=110, metadata=metadata)
    return out.getvalue()


def _figure(score: Score) -> Figure:
    raised = [found for found in score.findings if found.called is not Called.NOTHING]
    waits = {
        "real miss to alert": sorted(score.found_after_s),
        "call to operator": sorted(
            call.answered_after_s for call in score.calls if call.answered_after_s is not None
        ),
    }
    # A replay finds each miss at its moment: there is nothing to draw of that.
    waits = {what: times for what, times in waits.items() if times and times[-1] > 0}
    plots = 1 + bool(raised) + bool(waits)
    figure = Figure(figsize=(WIDTH, HEIGHT_OF_A_PLOT * plots), layout="constrained")
    axes = list(figure.subplots(plots, 1, squeeze=False)[:, 0])
    _what_was_said(axes.pop(0), score)
    if raised:
        _by_hour(axes.pop(0), raised)
    if waits:
        _how_soon(axes.pop(0), waits)
    return figure


def _what_was_said(axes: Axes, score: Score) -> None:
    """For each thing that happened a bar of its own length, cut by what was said of it."""
    happened = [what for what in Really if sum(score.table[what.value].values())]
    labels = [f"{what.value} ({sum(score.table[what.value].values()):,})" for what in happened]
    left = [0.0] * len(happened)
    for called in Called:
        counts = [score.table[what.value][called.value] for what in happened]
        shares = [
            100 * count / sum(score.table[what.value].values())
            for what, count in zip(happened, counts, strict=True)
        ]
        bars = axes.barh(labels, shares, left=left, color=COLOURS[called], label=called.value)
        axes.bar_label(
            bars,
            [f"{count:,}" if share > 4 else "" for count, share in zip(counts, shares, strict=True)],
            label_type="center",
            color="white",
        )
        left = [before + share for before, share in zip(left, shares, strict=True)]
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("% of those visits")
    axes.set_title("What happened, by what was first said of it", loc="left")
    axes.legend(ncols=len(Called), loc="upper center", bbox_to_anchor=(0.4, -0.22), frameon=False)


def _by_hour(axes: Axes, raised: Sequence[Finding]) -> None:
    hours = range(min(found.start.hour for found in raised), max(found.start.hour for found in raised) + 1)
    bottom = [0] * len(hours)
    for called in Called:
        if called is Called.NOTHING:
            continue
        counts = [
            sum(found.start.hour == hour and found.called is called for found in raised) for hour in hours
        ]
        axes.bar(list(hours), counts, bottom=bottom, color=COLOURS[called], label=called.value)
        bottom = [before + count for before, count in zip(bottom, counts, strict=True)]
    axes.set_xticks(list(hours), [f"{hour:02d}" for hour in hours])
    axes.set_xlabel("hour of the planned start, UTC")
    axes.set_ylabel("visits")
    axes.set_title("Alerts about visits", loc="left")


def _how_soon(axes: Axes, waits: dict[str, list[float]]) -> None:
    """The share of each that was done within so many seconds."""
    for what, times in waits.items():
        shares = [100 * (place + 1) / len(times) for place in range(len(times))]
        axes.step([0.0, *times], [0.0, *shares], where="post", label=f"{what} ({len(times):,})")
    for seconds in ANSWERED_WITHIN:
        axes.axvline(seconds, color="#9aa5b1", linestyle=":")
    axes.set_ylim(0, 101)
    axes.set_xlim(left=0)
    axes.set_xlabel("seconds, in the service's time (dotted: 60 and 180 s)")
    axes.set_ylabel("% within")
    axes.set_title("How soon", loc="left")
    axes.legend(loc="lower right", frameon=False)
