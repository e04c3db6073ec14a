"""What clients see: the GraphQL schema. Strawberry lives here and nowhere else."""
