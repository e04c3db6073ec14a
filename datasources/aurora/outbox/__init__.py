"""The transactional outbox, the change feed read from it, and the log of writes."""
