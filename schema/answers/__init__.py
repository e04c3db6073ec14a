"""Answers to questions, and runbooks for incidents."""
