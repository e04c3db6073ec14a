"""Tests of the benchmarks: that they compare what they say. No test holds a figure of speed."""
