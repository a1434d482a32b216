"""What processes have used of the processors, in seconds."""

from contextlib import suppress

import psutil


def used(process: psutil.Process) -> float:
    """By one process, and not by its children."""
    times = process.cpu_times()
    return float(times.user + times.system)


def used_by_database(postmaster: int) -> float:
    """By a whole PostgreSQL, connections that are closed and workers that are done included."""
    parent = psutil.Process(postmaster)
    seconds = 0.0
    for running in parent.children():
        with suppress(psutil.NoSuchProcess):  # ended since, and counted below
            seconds += used(running)
    whole = parent.cpu_times()
    return float(seconds + used(parent) + whole.children_user + whole.children_system)
