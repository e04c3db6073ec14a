"""The graph adapter that runs Gremlin traversals, on Neptune or another engine of TinkerPop 3.7."""
