"""A comparison of two policies for a terminal."""

from rich.table import Table

from app.backtest_compare import DISPROVABLE, KINDS, Comparison, Counts, middle

_CALLED = {
    "visit.late": "late",
    "visit.missed": "missed",
    "visit.unverified": "cannot be confirmed",
    "visit.part_attended": "part attended",
}


def called(kind: str) -> str:
    """An alert's kind in words."""
    return _CALLED[kind]


def rows(found: Comparison) -> list[tuple[str, tuple[str, str, str]]]:
    """Each line of the answer in words: what it is, and what it is under each policy and between them."""
    one, two = found.policies
    listed = [(f"alerts raised: {called(kind)}", _pair(one.alerts[kind], two.alerts[kind])) for kind in KINDS]
    for kind in KINDS:
        for tier in sorted({*one.by_tier[kind], *two.by_tier[kind]}):
            listed.append(
                (
                    f"  {called(kind)}, {tier}",
                    _pair(one.by_tier[kind].get(tier, 0), two.by_tier[kind].get(tier, 0)),
                )
            )
    for disproved in DISPROVABLE:
        kind = disproved.value
        listed.append((f"{called(kind)}, and made in the end", _pair(one.made[kind], two.made[kind])))
        pair = _pair(one.disproved[kind], two.disproved[kind])
        listed.append(("  not true: somebody had come by then", pair))
    listed.append((f"true misses found, of {found.true_misses}", _pair(one.found, two.found)))
    listed.append(("  only 'cannot be confirmed' was said", _pair(one.unconfirmed, two.unconfirmed)))
    listed.append(("  nothing was said", _pair(one.not_found, two.not_found)))
    listed.append(("  minutes from planned start to found, median", (_median(one), _median(two), "")))
    listed.append(("people woken at night (22:00 to 07:00)", _pair(one.woken, two.woken)))
    listed.append(("  messages to them", _pair(one.at_night, two.at_night)))
    return listed


def summary(found: Comparison) -> str:
    """Where the second policy differs from the first, in one sentence each."""
    by = "what really happened" if found.by == "truth" else "the final verdicts"
    return (
        f"{found.visits} visits up to {found.until:%Y-%m-%d %H:%M} UTC; {found.verdicts} end with another "
        f"attendance. By {by}, {found.true_misses} were truly missed. Against the first policy the second "
        f"finds {found.earlier} of them earlier, {found.later} later, {found.only_second} that the first did "
        f"not find, and not {found.only_first} that the first found."
    )


def table(found: Comparison) -> Table:
    """The whole answer."""
    one, two = found.policies
    shown = Table("", one.policy, two.policy, "change", box=None, pad_edge=False)
    for column in shown.columns[1:]:
        column.justify = "right"
    for what, figures in rows(found):
        shown.add_row(what, *figures)
    return shown


def _pair(one: int, two: int) -> tuple[str, str, str]:
    return f"{one:,}", f"{two:,}", f"{two - one:+,}" if two != one else "="


def _median(counts: Counts) -> str:
    value = middle(counts.found_after)
    return "none" if value is None else f"{value:.0f}"
