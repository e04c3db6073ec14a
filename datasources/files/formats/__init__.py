"""Formats of files: their encodings, and their rows one by one."""
