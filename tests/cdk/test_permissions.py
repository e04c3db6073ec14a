"""Each call that the code makes is allowed to its function, and no neighbour of it is: IAM's evaluation of both.

Calls are recorded where botocore sends or signs them; actions and resources are those of AWS's service authorization
reference: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from botocore.session import get_session

from cdk.environment import AdoptedEnvironment
from tests.cdk.calls import Call, made
from tests.cdk.permissions import Request, is_allowed, statements
from tests.cdk.resolving import VERSION, Resolver
from tests.cdk.templates import Synth

FUNCTIONS = ("", "-events", "-projector", "-requirements", "-workflows", "-migrations")
# Of a batch each entry is the action of one.
SINGULAR = {
    "SendMessageBatch": "SendMessage", "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
    "DeleteObjects": "DeleteObject",
}  # fmt: skip
# Data of a graph, by what a traversal does; a property that is set anew is deleted first.
# https://docs.aws.amazon.com/neptune/latest/userguide/iam-dp-actions.html
READS = ("ReadDataViaQuery", "GetQueryStatus", "CancelQuery")
WRITES = ("WriteDataViaQuery", "DeleteDataViaQuery")
OTHER_ACTIONS = (
    "DeleteDataViaQuery", "GetEngineStatus", "ManageStatistics", "ResetDatabase", "StartLoaderJob",
    "WriteDataViaQuery",
)  # fmt: skip
# By the poller of Lambda, in the name of the function's role.
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-permissions
POLLED = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
# What a key does for its ciphertexts, by the service that holds them.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
SENDING, READING = ("GenerateDataKey", "Decrypt"), ("Decrypt",)


def logical(synth: Synth, suffix: str) -> str:
    name = f"{synth.environment.functions.name}{suffix}"
    (id_,) = [
        id_ for id_, each in synth.resources("AWS::Lambda::Function", "Service").items()
        if each.get("FunctionName") == name
    ]  # fmt: skip
    return id_


class Asked:
    """Requests of IAM, of the calls of one environment."""

    def __init__(self, synth: Synth) -> None:
        self._synth = synth
        self._here = f"{synth.environment.region}:{synth.environment.account}"
        self.key, self.clusters = _of_stores(synth)

    def about(self, call: Call) -> Iterator[Request]:
        """What IAM is asked because of a call."""
        match call.service:
            case "sqs":
                queue = f"arn:aws:sqs:{self._here}:{call.about.rpartition('/')[2]}"
                action = SINGULAR[call.operation]
                yield Request(f"sqs:{action}", queue)
                if action == "SendMessage":
                    yield from self.keys("sqs", SENDING)
            case "secretsmanager":
                yield Request(f"secretsmanager:{call.operation}", call.about)
                yield from self.keys("secretsmanager", READING)
            case "rds-db":
                host, _, user = call.about.rpartition("/")
                yield Request("rds-db:connect", f"arn:aws:rds-db:{self._here}:dbuser:{self.clusters[host]}/{user}")
            case "s3":
                action = SINGULAR.get(call.operation, call.operation)
                yield Request(f"s3:{action}", f"arn:aws:s3:::{call.about}")
                if action == "PutObject":
                    yield from self.keys("s3", ("GenerateDataKey",))
            case "bedrock-agent":
                base = f"arn:aws:bedrock:{self._here}:knowledge-base/{call.about}"
                yield Request(f"bedrock:{call.operation}", base)
            case "neptune-db":
                yield Request("neptune-db:connect", self.graph(call.about))
            case _:
                raise AssertionError(call)

    def graph(self, host: str) -> str:
        return f"arn:aws:neptune-db:{self._here}:{self.clusters[host]}/database"

    def keys(self, service: str, actions: tuple[str, ...]) -> Iterator[Request]:
        via = {"kms:ViaService": f"{service}.{self._synth.environment.region}.amazonaws.com"}
        for action in actions:
            yield Request(f"kms:{action}", self.key, via)

    def needed(self, suffix: str) -> set[Request]:
        """All that a function asks, by its code, by Lambda and by what its traversals do."""
        calls = made(self._synth, suffix)
        found = [each for call in calls for each in self.about(call)]
        for host in {call.about for call in calls if call.service == "neptune-db"}:
            actions = (*READS, *WRITES) if suffix == "-projector" else READS
            found += [Request(f"neptune-db:{action}", self.graph(host)) for action in actions]
        if suffix == "-events":
            queue = f"arn:aws:sqs:{self._here}:{self._synth.environment.queues.events}"
            found += [Request(f"sqs:{action}", queue) for action in POLLED]
            found += self.keys("sqs", READING)
        return {_hashed(each) for each in found}


def _hashed(request: Request) -> Request:
    return replace(request, context=Context(request.context))


class Context(dict[str, str]):
    """That a request can stand in a set."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))


def _of_stores(synth: Synth) -> tuple[str, dict[str, str]]:
    """The key's ARN, and the resource ids of clusters by their hosts."""
    environment, resolver = synth.environment, Resolver(synth)
    if isinstance(environment, AdoptedEnvironment):
        main, requirements, graph = environment.aurora.main, environment.aurora.requirements, environment.neptune
        key = f"arn:aws:kms:{environment.region}:{environment.account}:key/{environment.key_id}"
        return key, {
            main.host: main.resource_id, requirements.host: requirements.resource_id,
            graph.host: graph.resource_id, graph.reader_host: graph.resource_id,
        }  # fmt: skip

    def attribute(id_: str, name: str) -> str:
        return resolver.text({"Fn::GetAtt": [id_, name]}, "Stores")

    (key_id,) = synth.resources("AWS::KMS::Key", "Stores")
    clusters = {
        attribute(id_, "Endpoint.Address"): attribute(id_, "DBClusterResourceId")
        for id_ in synth.resources("AWS::RDS::DBCluster", "Stores")
    }
    for id_ in synth.resources("AWS::Neptune::DBCluster", "Stores"):
        clusters |= {attribute(id_, name): attribute(id_, "ClusterResourceId") for name in ("Endpoint", "ReadEndpoint")}
    return attribute(key_id, "Arn"), clusters


@cache
def operations(service: str) -> frozenset[str]:
    """Every action of a service, as botocore's model names its operations."""
    return frozenset(get_session().get_service_model(service).operation_names)


@pytest.mark.parametrize("suffix", FUNCTIONS)
def test_each_call_of_the_code_is_allowed(each: Synth, suffix: str) -> None:
    policies, needed = statements(each, logical(each, suffix)), Asked(each).needed(suffix)
    assert {str(request) for request in needed if not is_allowed(policies, request)} == set()
    services = {request.action.partition(":")[0] for request in needed}
    assert services >= ({"secretsmanager", "kms"} if suffix == "-migrations" else {"rds-db", "neptune-db", "kms"})


@pytest.mark.parametrize("suffix", FUNCTIONS)
def test_no_neighbour_of_a_call_is_allowed(each: Synth, suffix: str) -> None:
    policies, asked = statements(each, logical(each, suffix)), Asked(each)
    needed = asked.needed(suffix)
    neighbours = {request for one in needed for request in _neighbours(one)}
    neighbours |= {_hashed(request) for request in _others(each, asked, suffix)}
    assert {str(request) for request in neighbours - needed if is_allowed(policies, request)} == set()
    assert len(neighbours) > 100


def _neighbours(request: Request) -> Iterator[Request]:
    """Other actions on the same resource, the same action on other resources, and the same call by another way."""
    service = request.action.partition(":")[0]
    of_data = {"rds-db": frozenset[str](), "neptune-db": frozenset(OTHER_ACTIONS)}
    # Bedrock's control of knowledge bases has another name in botocore than in IAM.
    models = {"bedrock": "bedrock-agent"}
    others = of_data[service] if service in of_data else operations(models.get(service, service))
    for other in others:
        yield replace(request, action=f"{service}:{other}")
    head, separator, last = request.resource.rpartition("/" if "/" in request.resource else ":")
    if service == "s3":
        # Any chunk of the bucket, and nothing else in it.
        yield replace(request, resource=request.resource.replace("/chunks/", "/other/"))
        yield replace(request, resource=request.resource.replace(":::", ":::other-"))
    elif service != "neptune-db":
        # It has no data of its own names: a cluster is one resource.
        yield replace(request, resource=f"{head}{separator}other{last}")
    yield replace(request, resource=request.resource.replace("cluster-", "cluster-OTHER"))
    yield replace(request, resource=request.resource.replace(":us-east-1:", ":eu-west-1:"))
    yield replace(request, resource="*")
    if request.context:
        yield replace(request, context=Context())
        yield replace(request, context=Context({"kms:ViaService": "ec2.us-east-1.amazonaws.com"}))


def _others(synth: Synth, asked: Asked, suffix: str) -> Iterator[Request]:
    """What some function may, or nobody: each must not unless it needs it."""
    environment = synth.environment
    here = f"{environment.region}:{environment.account}"
    for name in ("events", "remediation_p1", "remediation_standard", "notifications"):
        for action in operations("sqs"):
            yield Request(f"sqs:{action}", f"arn:aws:sqs:{here}:{getattr(environment.queues, name)}")
    for host, cluster in asked.clusters.items():
        for user in ("stackflow_api", "stackflow_admin", "postgres"):
            yield Request("rds-db:connect", f"arn:aws:rds-db:{here}:dbuser:{cluster}/{user}")
        for action in ("connect", *READS, *OTHER_ACTIONS):
            yield Request(f"neptune-db:{action}", asked.graph(host))
    for secret in _secrets(synth):
        yield Request("secretsmanager:GetSecretValue", secret)
    # Rights of Lambda itself, which its code may not use.
    code = {"lambda:SourceFunctionArn": f"arn:aws:lambda:{here}:function:{environment.functions.name}{suffix}"}
    for action in ("CreateNetworkInterface", "DeleteNetworkInterface", "DescribeSubnets"):
        yield Request(f"ec2:{action}", "*", code)
    yield Request("lambda:InvokeFunction", f"arn:aws:lambda:{here}:function:{environment.functions.name}")
    yield Request("s3:GetObject", "arn:aws:s3:::any/any")
    yield Request("sts:AssumeRole", f"arn:aws:iam::{environment.account}:role/any")


def _secrets(synth: Synth) -> Iterator[str]:
    return iter(sorted({call.about for suffix in ("", "-migrations") for call in made(synth, suffix)
                        if call.service == "secretsmanager"}))  # fmt: skip


def test_only_its_own_code_is_kept_from_network_interfaces(each: Synth) -> None:
    """Lambda makes them in the role's name, without the key that its code's calls carry."""
    for suffix in FUNCTIONS:
        policies = statements(each, logical(each, suffix))
        assert is_allowed(policies, Request("ec2:CreateNetworkInterface", "*"))


def test_the_readiness_asks_versions_of_the_api_and_tells_its_own_rollout(each: Synth) -> None:
    resolver, resources = Resolver(each), each.templates["Service"]["Resources"]
    (id_,) = [id_ for id_ in each.resources("AWS::Lambda::Function", "Service") if id_.startswith("Readiness")]
    policies = statements(each, id_)
    here = f"{each.environment.region}:{each.environment.account}"
    api = f"arn:aws:lambda:{here}:function:{each.environment.functions.name}"
    (application,) = [id_ for id_, each in resources.items() if each["Type"] == "AWS::CodeDeploy::Application"]
    (group,) = [id_ for id_, each in resources.items() if each["Type"] == "AWS::CodeDeploy::DeploymentGroup"]
    names = "/".join(resolver.text({"Ref": each}, "Service") for each in (application, group))
    own = f"arn:aws:codedeploy:{here}:deploymentgroup:{names}"
    told = "codedeploy:PutLifecycleEventHookExecutionStatus"
    needed = [Request("lambda:InvokeFunction", f"{api}:{VERSION}"), Request(told, own)]
    assert [is_allowed(policies, request) for request in needed] == [True, True]
    refused = [
        Request("lambda:InvokeFunction", api), Request("lambda:InvokeFunction", f"{api}-migrations:1"),
        Request("lambda:UpdateAlias", f"{api}:live"), Request("lambda:UpdateFunctionCode", api),
        Request(told, f"{own}-other"), Request("codedeploy:CreateDeployment", own),
    ]  # fmt: skip
    assert [str(request) for request in refused if is_allowed(policies, request)] == []


def test_each_tick_wakes_its_worker_and_no_other(each: Synth) -> None:
    resolver, template = Resolver(each), each.templates["Service"]["Resources"]
    for schedule in each.resources("AWS::Scheduler::Schedule", "Service").values():
        target: dict[str, Any] = resolver.whole(schedule["Target"], "Service")
        role = schedule["Target"]["RoleArn"]["Fn::GetAtt"][0]
        documents = [
            found["Properties"]["PolicyDocument"]
            for found in template.values()
            if found["Type"] == "AWS::IAM::Policy" and {"Ref": role} in found["Properties"]["Roles"]
        ]
        policies = [resolver.whole(one, "Service") for document in documents for one in document["Statement"]]
        woken, lost = target["Arn"], target["DeadLetterConfig"]["Arn"]
        assert is_allowed(policies, Request("lambda:InvokeFunction", woken))
        assert is_allowed(policies, Request("sqs:SendMessage", lost))
        for other in (f"{woken}2", woken.rpartition("-")[0], lost):
            assert not is_allowed(policies, Request("lambda:InvokeFunction", other))
        assert not is_allowed(policies, Request("sqs:ReceiveMessage", lost))


def test_a_deny_wins_and_a_condition_without_its_key_holds_nothing() -> None:
    """The evaluator itself."""
    allow = {"Effect": "Allow", "Action": "sqs:*", "Resource": "arn:*:a?"}
    deny = {"Effect": "Deny", "Action": ["SQS:sendmessage"], "Resource": "*", "Condition": {"StringEquals": {"k": "v"}}}
    send = Request("sqs:SendMessage", "arn:x:a1")
    assert is_allowed([allow], send)
    assert is_allowed([allow, deny], send)
    assert not is_allowed([allow, deny], replace(send, context={"k": "v"}))
    assert not is_allowed([allow], replace(send, resource="arn:x:a12"))
    assert not is_allowed([], send)
