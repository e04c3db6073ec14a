"""The graph source: one port with its laws, and an adapter in each folder."""
