"""Any bytes into every decoder: `python -m tests.fuzz` for long, tests/unit/fuzz for a moment."""
