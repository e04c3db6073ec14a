"""Tests of the documentation's generators."""
