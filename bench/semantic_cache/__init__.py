"""Semantic cache: pairs of questions that have the same answer, and pairs that only look alike."""
