"""Documents as text: their form in files, and the chunks that retrieval finds."""
