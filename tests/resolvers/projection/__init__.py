"""Tests of keeping the graph's copy like the tables."""
