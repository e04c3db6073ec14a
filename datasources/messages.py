"""Messages within a bound: what a client sent is not echoed whole."""

MAX_MESSAGE_CHARACTERS = 1_000


def truncate_message(message: str, most: int = MAX_MESSAGE_CHARACTERS) -> str:
    """A message with its middle left out where it is longer than `most` characters: it says how many, and the remedy at
    its end stays."""
    if len(message) <= most:
        return message
    end = most // 3
    begin = most - end
    return f"{message[:begin]} [{len(message) - most} characters left out] {message[-end:]}"
