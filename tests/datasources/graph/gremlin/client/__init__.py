"""Tests of the Gremlin client, on a real Gremlin server."""
