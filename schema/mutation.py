"""The root of writing: what each domain contributes."""

import strawberry

from schema.change_mutations import ChangeMutations
from schema.configuration_item_mutations import ConfigurationItemMutations
from schema.incident_mutations import IncidentMutations
from schema.incident_step_mutations import IncidentStepMutations
from schema.relationship_mutations import RelationshipMutations
from schema.requirement_mutations import RequirementMutations
from schema.taxonomy_mutations import TaxonomyMutations
from schema.team_mutations import TeamMutations
from schema.workflow_mutations import WorkflowMutations
from schema.workflow_run_mutations import WorkflowRunMutations


@strawberry.type(
    name="Mutation",
    description="Everything that can be written. Each field is one transaction; fields run one after the other.",
)
class MutationRoot(
    ChangeMutations,
    ConfigurationItemMutations,
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
