"""Keeping the graph's copy of the relationships like the tables: rebuild it, compare it, mend it."""
