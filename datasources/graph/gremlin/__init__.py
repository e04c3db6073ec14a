"""The graph adapter that walks by Gremlin traversals, on Neptune or any other engine of TinkerPop 3.7."""
