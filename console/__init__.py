"""Server-rendered pages for operators, care managers and housing officers."""
