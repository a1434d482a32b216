"""What goes wrong with the input or the world, said to a person."""


class Fault(Exception):
    """One clear line (or one line each) on stderr, exit status 1, no traceback."""
