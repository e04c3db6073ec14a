"""The mutation root, composed of the mutations of each domain."""

import strawberry

from schema.changes.mutations import ChangeMutations
from schema.configuration_items.mutations import ConfigurationItemMutations
from schema.documents.mutations import DocumentMutations
from schema.incidents.mutations import IncidentMutations
from schema.incidents.transitions import IncidentStepMutations
from schema.relationships.mutations import RelationshipMutations
from schema.requirements.mutations import RequirementMutations
from schema.taxonomy.mutations import TaxonomyMutations
from schema.teams.mutations import TeamMutations
from schema.workflow_runs.mutations import WorkflowRunMutations
from schema.workflows.mutations import WorkflowMutations


@strawberry.type(
    name="Mutation",
    description="All mutations. Each field is one transaction; the fields of an operation run one after the other.",
)
class MutationRoot(
    ChangeMutations,
    ConfigurationItemMutations,
    DocumentMutations,
    IncidentMutations,
    IncidentStepMutations,
    RelationshipMutations,
    RequirementMutations,
    TaxonomyMutations,
    TeamMutations,
    WorkflowMutations,
    WorkflowRunMutations,
):
    pass
