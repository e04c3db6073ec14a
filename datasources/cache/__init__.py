"""The cache source: Redis or Valkey, or nothing at all."""
