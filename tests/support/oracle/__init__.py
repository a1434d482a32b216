"""A second, naive implementation of the visit rules, to hold the engine against.

It is written from ``domain/visits.md`` and ``contract §3`` to ``§6`` alone, shares no code with ``care``, and
prefers the plainest reading of each sentence to any speed: what was received is looked at afresh for each
moment, and sessions are matched by trying every assignment. It reads well-formed files only.
"""

from tests.support.oracle.report import oracle_report

__all__ = ["oracle_report"]
