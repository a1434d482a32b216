"""Server-rendered pages for operators, care managers and housing officers."""

from console.pages import Letter, build

__all__ = ["Letter", "build"]
