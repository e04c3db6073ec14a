"""One GraphQL request from document to response: persisted documents, limits, execution and tracing."""
