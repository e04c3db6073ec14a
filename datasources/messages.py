"""Messages of limited length, so that long client input is not echoed in full."""

MAX_MESSAGE_CHARACTERS = 1_000


def truncate_message(message: str, most: int = MAX_MESSAGE_CHARACTERS) -> str:
    """Shorten a message of more than `most` characters in the middle, so that the remedy at its end remains.

    The result says how many characters were left out.
    """
    if len(message) <= most:
        return message
    end = most // 3
    begin = most - end
    return f"{message[:begin]} [{len(message) - most} characters left out] {message[-end:]}"
