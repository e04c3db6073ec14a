"""Backlogs of queues, and the lag of the graph projection."""
