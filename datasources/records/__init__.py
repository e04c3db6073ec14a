"""The records that sources return and that all other layers use."""
