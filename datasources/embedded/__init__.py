"""Embedded stores: real servers from wheels, run as child processes on a laptop."""
