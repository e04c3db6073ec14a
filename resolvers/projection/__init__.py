"""The graph projection: follow the outbox, rebuild the graph, compare it with the tables, and repair it."""
