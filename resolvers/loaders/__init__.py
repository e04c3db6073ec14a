"""Loaders: one batch for each link and level, named for what they return and by which key."""
