"""Tests of the other entrances."""
