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
    Fact("Scripts can't contain Groovy", f"{_DIFFERENCES}, Scripts", "test_validation.py::test_a_script_is_refused"),
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
        "Values are booleans, numbers, strings and dates; no lists, maps, UUIDs or meta-properties",
        f"{_DIFFERENCES}, Neptune support for vertex features",
        "test_validation.py::test_an_illegal_traversal_is_refused_and_not_run",
    ),
    Fact(
        "Elements are returned with id and label only, for every value of materializeProperties",
        f"{_DIFFERENCES}, Properties on elements",
        "test_validation.py::test_elements_come_without_properties",
    ),
    Fact(
        "addV with an existing id is a ConstraintViolationException",
        f"{_DIFFERENCES}, User-supplied IDs; aws-samples/amazon-neptune-samples, issue 130",
        "test_errors.py::test_a_failed_request_has_neptunes_code_and_leaves_nothing",
    ),
    Fact(
        "A vertex and an edge may have the same id",
        f"{_DIFFERENCES}, User-supplied IDs",
        "test_errors.py::test_a_vertex_and_an_edge_may_have_one_id",
    ),
    Fact(
        "A request is one transaction: if it fails, it is rolled back completely",
        f"{_DIFFERENCES}, Transactions",
        "test_errors.py::test_a_failed_request_has_neptunes_code_and_leaves_nothing",
    ),
    Fact(
        "Of two concurrent requests that write the same element, one is a ConcurrentModificationException",
        "transactions-neptune, Conflict resolution using lock-wait timeouts; apache/tinkerpop, pull request 1728",
        "test_errors.py::test_of_two_writers_to_one_vertex_one_is_in_conflict",
    ),
    Fact(
        "A read runs on a snapshot and never conflicts",
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
        "A replica refuses every step that writes, anywhere in a traversal, with a ReadOnlyViolationException",
        "transactions-neptune; errors-engine-codes",
        "test_instances.py::test_the_reader_refuses_each_step_that_writes",
    ),
    Fact(
        "A replica may lag behind the writer",
        "transactions-neptune, Read-only query isolation in Neptune",
        "test_instances.py::test_a_replica_of_its_own_lags_behind_for_ever",
    ),
    Fact(
        "A request has at most 157,286,400 bytes, otherwise it is a BadRequestException",
        "errors-engine-codes",
        "test_instances.py::test_a_request_above_the_limit_is_refused",
    ),
    Fact(
        "The size of an instance limits its open connections; it refuses further ones with 429",
        "limits; best-practices-gremlin-java-close-connections",
        "test_instances.py::test_more_connections_than_the_instance_takes_are_answered_429",
    ),
    Fact(
        "An idle socket is closed (by Neptune after 20 to 25 minutes)",
        "best-practices-gremlin-java-close-connections",
        "test_closings.py::test_an_idle_socket_closes_normally",
    ),
    Fact(
        "A socket with IAM is closed at a maximum age (in Neptune a little over ten days), even if it is busy",
        "best-practices-ecs-eks-connections",
        "test_closings.py::test_a_busy_socket_closes_at_the_end_of_its_life",
    ),
    Fact(
        "With IAM, the handshake has a Signature Version 4 for neptune-db, otherwise it is refused with 403",
        "iam-auth-connecting-python",
        "test_access.py::test_a_signature_with_a_wrong_part_is_refused",
    ),
    Fact(
        "A signature is valid for five minutes; an open socket stays open after that",
        "IAM user guide, Signature Version 4",
        "test_access.py::test_an_open_socket_outlives_its_signature",
    ),
)

# Where the double is stricter than Neptune, or can't be like it. What it forbids is at least legal to avoid.
DIFFERENCES: tuple[str, ...] = (
    "It refuses all scripts, including those that Neptune's grammar accepts: send bytecode.",
    "It refuses sessions, which Neptune supports for up to ten minutes.",
    "It refuses `::` in labels: Neptune makes several labels of it, and the engine here has one per vertex.",
    "addV with an existing id also fails with a new label, which Neptune would add to the vertex.",
    "The reader shows every write immediately, unless it has a separate store, which then shows none.",
    "An edge with an existing id is reported with the engine's message, which calls it a vertex.",
    "The engine detects conflicts: the later of two commits fails. Neptune locks ranges and may make a writer wait.",
    "A request larger than the engine accepts (64 MiB in the embedded server) closes the socket; Neptune accepts it.",
    "It supports only web sockets without TLS: no HTTP queries, openCypher, loader, streams or status.",
    "Steps run as in TinkerPop: it does not show what Neptune runs faster or slower, or refuses as too large.",
)
