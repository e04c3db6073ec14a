"""Data sources: stores, queues, files, and the records that are read from them."""
