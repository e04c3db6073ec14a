"""StackFlow next to other GraphQL servers, on the same rows and with equal answers: `python -m bench.peers`."""
