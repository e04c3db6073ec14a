"""HTTP endpoints: GraphQL, streams, events, alert webhooks, health and GraphiQL."""
