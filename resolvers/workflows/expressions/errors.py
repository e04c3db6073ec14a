"""Why an expression is none, in words."""


class InvalidExpression(Exception):
    """An expression cannot be read or has no value; a sentence says why. It holds names, never values."""
