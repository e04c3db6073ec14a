"""Tests of the graph adapter that walks by Gremlin traversals."""
