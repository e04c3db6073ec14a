"""Observability: structured logs, metrics, traces and heartbeats."""
