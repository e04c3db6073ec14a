"""The error of invalid expressions."""


class InvalidExpression(Exception):
    """An expression is invalid or has no value; the message gives the reason. It contains names, never values."""
