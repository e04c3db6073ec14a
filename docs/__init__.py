"""The documentation: pages in Markdown, and generators of the reference that `make docs` adds to them."""
