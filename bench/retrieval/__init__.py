"""Retrieval of runbooks: questions with accepted answers, and the comparison of rankings."""
