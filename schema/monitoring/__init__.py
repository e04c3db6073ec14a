"""Monitoring: backlogs of queues, states of workers, and the lag of the projection."""
