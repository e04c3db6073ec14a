"""Cache tables to invalidate after a projection round."""

# Tables on which cached walks depend: the graph is a copy of them.
TRAVERSAL_TABLES = ("relationships",)
