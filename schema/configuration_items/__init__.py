"""Configuration items: the managed things, and the nodes of the graph."""
