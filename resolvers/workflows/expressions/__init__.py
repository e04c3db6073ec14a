"""CEL expressions: compilation, and evaluation within a budget."""
