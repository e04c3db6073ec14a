"""What a graph that was brought along makes stale."""

# What cached walks depend on: the graph is a copy of these.
TRAVERSAL_TABLES = ("relationships",)
