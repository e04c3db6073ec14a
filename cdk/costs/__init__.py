"""What an environment costs a month: prices with their sources, quantities out of its file."""
