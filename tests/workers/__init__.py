"""Tests of the other entrances."""

"""Workers, against real stores."""
