"""Tests of the double of Neptune, in front of a real Gremlin Server."""
