"""Usage of language models."""
