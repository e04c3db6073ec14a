"""Language models: embeddings of texts."""
