"""Runs of workflows: their state machine, engine, scheduler and use cases."""
