"""How often Python looks for cycles among its objects."""

import gc

YOUNG = 50_000
"""Objects made before the youngest are looked through. A batch of a sweep makes some hundred thousand, nearly
all of them free of cycles: at Python's own 700 a fifth of its time went into looking."""


def collect_seldom() -> None:
    """To be called once everything is loaded: what is there by then is never looked through again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 20)
