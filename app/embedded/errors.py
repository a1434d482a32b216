"""What goes wrong with the embedded servers, said to a person."""


class EmbeddedError(Exception):
    """The embedded database or broker cannot run; the text is one line for the person who started it."""
