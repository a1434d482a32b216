"""JSON for consoles and integrations, the live stream, health and metrics (contract §7).

Nothing is imported here: a command that only makes a token needs no web framework.
"""
