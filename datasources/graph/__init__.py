"""The graph source: a port with its contract, and one folder for each adapter."""
