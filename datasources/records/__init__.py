"""The records that sources return and everything above passes around."""
