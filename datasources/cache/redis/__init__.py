"""The cache on Redis or Valkey. Imported only when a cache is configured: redis costs 131 ms to import."""
