"""Simulated homes: behaviour, fleets, scenarios, faults. Speaks only the wire."""
