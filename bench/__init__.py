"""Benchmarks: they report ratios within one run, and are never timed tests."""
