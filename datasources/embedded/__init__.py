"""Real stores from wheels, started as child processes for a laptop."""
