"""What the double enforces of Neptune, as data: the fact, where it is stated, and the test that shows it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fact:
    """`source` is a page of the Neptune user guide unless it says otherwise; `test` is file::function."""

    text: str
    source: str
    test: str


_DIFFERENCES = "access-graph-gremlin-differences"

FACTS: tuple[Fact, ...] = (
    Fact("Scripts know no Groovy", f"{_DIFFERENCES}, Scripts", "test_validation.py::test_a_script_is_refused"),
    Fact(
        "No lambda steps",
        f"{_DIFFERENCES}, Lambda steps",
        "test_validation.py::test_an_illegal_traversal_is_refused_and_not_run",
    ),
    Fact(
        "No io().write(), program(), pageRank(), peerPressure(), connectedComponent(), shortestPath(), withComputer()",
        "gremlin-step-support, Gremlin steps that are not supported in Neptune at all",
        "test_validation.py::test_an_illegal_traversal_is_refused_and_not_run",
    ),
    Fact(
        "A step that the engine does not know is an InternalFailureException that names NeptuneGraphTraversal",
        "awslabs/unified-kg-rag-on-aws, pull request 31 (engine 1.4.7.0)",
        "test_errors.py::test_an_unknown_step_is_named_as_neptune_names_it",
    ),
    Fact(
        "Ids of vertices and edges are strings; a number or a UUID is an UnsupportedOperationException",
        f"{_DIFFERENCES}, Vertex and edge IDs; bricaud/graphexp, issue 71",
        "test_validation.py::test_an_id_must_be_a_string",
    ),
    Fact(
        "A property is single or a set, never a list",
        f"{_DIFFERENCES}, Cardinality of vertex properties",
        "test_validation.py::test_an_illegal_traversal_is_refused_and_not_run",
    ),
    Fact(
        "Without a cardinality a property is a set; single replaces all its values",
        f"{_DIFFERENCES}, Updating a vertex property",
        "test_errors.py::test_a_property_is_a_set_unless_single_is_said",
    ),
    Fact(
        "Values are truth values, numbers, text and dates; no lists, maps, UUIDs, no properties of properties",
        f"{_DIFFERENCES}, Neptune support for vertex features",
        "test_validation.py::test_an_illegal_traversal_is_refused_and_not_run",
    ),
    Fact(
        "Elements come back with id and label alone, whatever materializeProperties says",
        f"{_DIFFERENCES}, Properties on elements",
        "test_validation.py::test_elements_come_without_properties",
    ),
    Fact(
        "addV with an id that is there is a ConstraintViolationException",
        f"{_DIFFERENCES}, User-supplied IDs; aws-samples/amazon-neptune-samples, issue 130",
        "test_errors.py::test_a_failed_request_has_neptunes_code_and_leaves_nothing",
    ),
    Fact(
        "A vertex and an edge may have one id",
        f"{_DIFFERENCES}, User-supplied IDs",
        "test_errors.py::test_a_vertex_and_an_edge_may_have_one_id",
    ),
    Fact(
        "A request is one transaction: if it fails, nothing of it stays",
        f"{_DIFFERENCES}, Transactions",
        "test_errors.py::test_a_failed_request_has_neptunes_code_and_leaves_nothing",
    ),
    Fact(
        "Of two requests that write one element at a time, one is a ConcurrentModificationException",
        "transactions-neptune, Conflict resolution using lock-wait timeouts; apache/tinkerpop, pull request 1728",
        "test_errors.py::test_of_two_writers_to_one_vertex_one_is_in_conflict",
    ),
    Fact(
        "A read runs on a snapshot and is in no conflict",
        "transactions-neptune, Read-only query isolation in Neptune",
        "test_faults.py::test_a_read_is_never_in_conflict_by_chance",
    ),
    Fact(
        "A query runs no longer than the cluster's neptune_query_timeout, then it is a TimeLimitExceededException",
        "parameters; errors-engine-codes",
        "test_errors.py::test_a_cluster_bounds_the_time_of_a_query",
    ),
    Fact(
        "An error is JSON in the status message: code, detailedMessage, requestId",
        "errors-engine-codes, Graph engine error format",
        "test_errors.py::test_the_error_is_a_document_with_the_request_id",
    ),
    Fact(
        "A replica refuses every step that writes, wherever it stands, with a ReadOnlyViolationException",
        "transactions-neptune; errors-engine-codes",
        "test_instances.py::test_the_reader_refuses_each_step_that_writes",
    ),
    Fact(
        "A replica may lag behind the writer",
        "transactions-neptune, Read-only query isolation in Neptune",
        "test_instances.py::test_a_replica_of_its_own_lags_behind_for_ever",
    ),
    Fact(
        "A request holds at most 157,286,400 bytes, else it is a BadRequestException",
        "errors-engine-codes",
        "test_instances.py::test_a_request_above_the_limit_is_refused",
    ),
    Fact(
        "An instance takes so many connections at once by its size, and answers the next with 429",
        "limits; best-practices-gremlin-java-close-connections",
        "test_instances.py::test_more_connections_than_the_instance_takes_are_answered_429",
    ),
    Fact(
        "An idle socket is closed (after 20 to 25 minutes there)",
        "best-practices-gremlin-java-close-connections",
        "test_closings.py::test_an_idle_socket_closes_normally",
    ),
    Fact(
        "A socket with IAM is closed at some age (a little over ten days there), busy or not",
        "best-practices-ecs-eks-connections",
        "test_closings.py::test_a_busy_socket_closes_at_the_end_of_its_life",
    ),
    Fact(
        "With IAM, the handshake carries a Signature Version 4 for neptune-db, else it is answered 403",
        "iam-auth-connecting-python",
        "test_access.py::test_a_signature_with_a_wrong_part_is_refused",
    ),
    Fact(
        "A signature serves five minutes, and the open socket outlives it",
        "IAM user guide, Signature Version 4",
        "test_access.py::test_an_open_socket_outlives_its_signature",
    ),
)

# Where the double is stricter than Neptune, or can't be like it. What it forbids is at least legal to avoid.
DIFFERENCES: tuple[str, ...] = (
    "It refuses all scripts, also those that Neptune's grammar reads: send bytecode.",
    "It refuses sessions, which Neptune keeps for up to ten minutes.",
    "It refuses `::` in labels: Neptune makes several labels of it, and the engine behind has one per vertex.",
    "addV with an id that is there fails also with a new label, which Neptune would add to the vertex.",
    "The reader shows every write at once, unless it is given a store of its own, which then shows none.",
    "Edges with an id that is there are reported in the engine's words, which call them vertices.",
    "A conflict is the engine's: of two writers the later to commit fails. Neptune locks ranges, and may let one wait.",
    "A request larger than the engine takes (64 MiB in the embedded server) ends the socket, though Neptune takes it.",
    "It speaks without TLS, and on web sockets alone: no HTTP queries, openCypher, loader, streams or status.",
    "Steps run as TinkerPop runs them: what Neptune's own engine makes faster, slower or too large does not show.",
)
