"""Composition only: settings, clock, logs, the command line, and the wiring of roles."""
