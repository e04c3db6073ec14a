"""The cache: Redis or Valkey, or an adapter that stores nothing."""
