"""Alerts, duties, escalation, routing, deliveries and channels."""
