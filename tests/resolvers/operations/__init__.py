"""Tests of questions to operations."""
