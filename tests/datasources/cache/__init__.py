"""The cache source against real servers."""
