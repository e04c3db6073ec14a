"""Loaders: one batch per link per level, each named for what it returns and by which key."""
