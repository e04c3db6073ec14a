"""The cache on Redis or Valkey. Import it only if a cache is configured: importing redis takes 131 ms."""
