"""What operators watch: backlogs of queues, and the lag of the graph."""
