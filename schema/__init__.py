"""The GraphQL schema: types, execution and HTTP endpoints. Only this package uses Strawberry."""
