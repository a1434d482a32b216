"""The best assignment of sessions to slots, exactly (domain/visits.md §5).

Most slots filled; then least total cost; then, visit by visit in their order, the earlier sessions, filled
before empty. Nothing here knows what a session or a visit is: rows and columns stand in their order already.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

Pair = tuple[int, int]

# The solver computes in doubles, exact for whole numbers below this.
_EXACT = 2**53


@dataclass(frozen=True, slots=True)
class Problem:
    """Rows (sessions) that may go to columns (visits), at a cost; only the pairs in `costs` are possible.

    `carers`: whose each row is; two rows of one carer never go to one column. `slots`: how many rows a column
    takes.
    """

    costs: Mapping[Pair, int]
    carers: tuple[str | None, ...]
    slots: tuple[int, ...]


def best(problem: Problem) -> set[Pair]:
    """The pairs of the best assignment."""
    chosen: set[Pair] = set()
    for part in _parts(problem):
        columns = {column for _, column in part}
        chosen |= _one_column(part, problem) if len(columns) == 1 else _several_columns(part, problem)
    return chosen


def _parts(problem: Problem) -> list[dict[Pair, int]]:
    """The problem cut where no row may go to columns on both sides."""
    leader = list(range(len(problem.slots)))

    def find(column: int) -> int:
        while leader[column] != column:
            column = leader[column]
        return column

    first_of: dict[int, int] = {}
    for row, column in problem.costs:
        leader[find(column)] = find(first_of.setdefault(row, column))
    parts: dict[int, dict[Pair, int]] = {}
    for pair, cost in problem.costs.items():
        parts.setdefault(find(pair[1]), {})[pair] = cost
    return list(parts.values())


def _one_column(costs: Mapping[Pair, int], problem: Problem) -> set[Pair]:
    """A single visit: each carer's cheapest row, and of those the cheapest as far as slots reach."""
    by_carer: dict[str | None, tuple[int, Pair]] = {}
    column = 0
    for pair, cost in costs.items():
        column = pair[1]
        carer = problem.carers[pair[0]]
        if carer not in by_carer or (cost, pair) < by_carer[carer]:
            by_carer[carer] = cost, pair
    return {pair for _, pair in sorted(by_carer.values())[: problem.slots[column]]}


def _several_columns(costs: Mapping[Pair, int], problem: Problem) -> set[Pair]:
    """Visits that compete: the solver finds a best way, then each visit in turn is given its earliest rows.

    A pair is forced when a best way still exists with it; so the outcome is the same whichever of several
    equal ways the solver happens to find.
    """
    whole = _Whole(costs, problem)
    fixed: set[Pair] = set()
    current = whole.solve(fixed)
    value = whole.value(current)
    for column in sorted({column for _, column in costs}):
        for row in sorted(row for row, other in costs if other == column):
            pair = (row, column)
            if pair in current:
                fixed.add(pair)
                continue
            if not whole.allows(fixed, pair):
                continue
            tried = whole.solve(fixed | {pair})
            if whole.value(tried) == value:
                fixed.add(pair)
                current = tried
    return current


class _Whole:
    """One part of a problem, solvable again and again with some pairs fixed."""

    __slots__ = ("_costs", "_problem", "_reward")

    def __init__(self, costs: Mapping[Pair, int], problem: Problem) -> None:
        self._costs = costs
        self._problem = problem
        rows = {row for row, _ in costs}
        dearest = {row: max(cost for (other, _), cost in costs.items() if other == row) for row in rows}
        # Filling one slot more outweighs every difference in cost.
        self._reward = sum(dearest.values()) + 1

    def value(self, pairs: Collection[Pair]) -> tuple[int, int]:
        """How good an assignment is: smaller is better."""
        return -len(pairs), sum(self._costs[pair] for pair in pairs)

    def allows(self, fixed: Collection[Pair], pair: Pair) -> bool:
        """Whether the pair can stand beside those that are fixed."""
        row, column = pair
        beside = [other for other, its in fixed if its == column]
        return (
            len(beside) < self._problem.slots[column]
            and all(other != row for other, _ in fixed)
            and all(self._problem.carers[other] != self._problem.carers[row] for other in beside)
        )

    def solve(self, fixed: Collection[Pair]) -> set[Pair]:
        """A best assignment among those that contain the fixed pairs."""
        free = {pair: cost for pair, cost in self._costs.items() if self.allows(fixed, pair)}
        return set(fixed) | _assign(free, self._left(fixed), self._problem.carers, self._reward)

    def _left(self, fixed: Collection[Pair]) -> dict[int, int]:
        left = dict(enumerate(self._problem.slots))
        for _, column in fixed:
            left[column] -= 1
        return left


def _assign(
    costs: Mapping[Pair, int], slots: Mapping[int, int], carers: tuple[str | None, ...], reward: int
) -> set[Pair]:
    """The cheapest of the assignments that fill most slots, by `linear_sum_assignment`.

    Rows of the matrix are sessions and *turnstiles*, columns are turnstiles, slots and each session's staying
    out. A turnstile stands where several sessions of one carer could enter a visit with several slots, and
    lets one of them through: taken as a column by that session, it goes on as a row to a slot; not taken, it
    goes to itself.
    """
    if not costs:
        return set()
    # Here and not above: loading the solver takes longer than most replays, and visits seldom compete.
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    rows = sorted({row for row, _ in costs})
    turnstiles = _turnstiles(costs, slots, carers)
    entries = [
        (column, place)
        for column in sorted({column for _, column in costs})
        for place in range(min(slots[column], len(rows)))
    ]
    out = len(turnstiles) + len(entries)
    size = len(rows) + len(turnstiles), out + len(rows)
    coarse = _coarseness(reward, max(size))
    matrix = np.full(size, np.inf)
    for index in range(len(rows)):
        matrix[index, out + index] = 0
    for (row, column), cost in costs.items():
        price = (cost >> coarse) - (reward >> coarse)
        index = rows.index(row)
        gate = turnstiles.get((column, carers[row]))
        if gate is not None:
            matrix[index, gate] = price
        else:
            for position, (into, _) in enumerate(entries):
                if into == column:
                    matrix[index, len(turnstiles) + position] = price
    for (column, _), gate in turnstiles.items():
        matrix[len(rows) + gate, gate] = 0
        for position, (into, _) in enumerate(entries):
            if into == column:
                matrix[len(rows) + gate, len(turnstiles) + position] = 0
    behind = {gate: column for (column, _), gate in turnstiles.items()}
    chosen: set[Pair] = set()
    for index, position in zip(*(part.tolist() for part in linear_sum_assignment(matrix)), strict=True):
        if index < len(rows) and position < out:
            column = (
                behind[position] if position < len(turnstiles) else entries[position - len(turnstiles)][0]
            )
            chosen.add((rows[index], column))
    return chosen


def _turnstiles(
    costs: Mapping[Pair, int], slots: Mapping[int, int], carers: tuple[str | None, ...]
) -> dict[tuple[int, str | None], int]:
    """Where one carer could take two slots of one visit: (visit, carer) → number of the turnstile."""
    entering: dict[tuple[int, str | None], int] = {}
    for row, column in costs:
        if slots[column] > 1:
            entering[column, carers[row]] = entering.get((column, carers[row]), 0) + 1
    crowded = [key for key, count in entering.items() if count > 1]
    return {key: number for number, key in enumerate(crowded)}


def _coarseness(reward: int, size: int) -> int:
    """By how many bits prices must be rounded for the solver to add them exactly; 0 in any real household.

    Only dozens of competing visits with sessions hours away would need more; they are then told apart to a
    coarser unit of time.
    """
    return max(0, (reward * (size + 1)).bit_length() - _EXACT.bit_length() + 2)
