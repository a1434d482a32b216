"""JSON for consoles and integrations, the live stream, health and metrics."""
