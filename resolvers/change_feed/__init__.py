"""The change feed: pages since a cursor, and subscriptions."""
