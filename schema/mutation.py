"""The root of writing: what each domain contributes."""

import strawberry

from schema.configuration_item_mutations import ConfigurationItemMutations
from schema.relationship_mutations import RelationshipMutations
from schema.taxonomy_mutations import TaxonomyMutations


@strawberry.type(
    name="Mutation",
    description="Everything that can be written. Each field is one transaction; fields run one after the other.",
)
class MutationRoot(
    ConfigurationItemMutations,
    RelationshipMutations,
    TaxonomyMutations,
):
    pass
