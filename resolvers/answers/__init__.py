"""Answers: retrieval of passages from documents, extraction of sentences, and facts of the graph."""
