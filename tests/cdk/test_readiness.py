"""A new version is asked whether it is ready before it gets calls, and a deploy may do without."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber
from mangum import Mangum

from app import TEXT_MIME_TYPES, create_app
from cdk.app import synthesize
from cdk.loader import load_environment
from cdk.serving import readiness
from tests.cdk import lines
from tests.cdk.resolving import Resolver
from tests.cdk.templates import Synth, loaded
from tests.cdk.test_rollout import depends

FILES = Path(__file__).parents[2] / "cdk" / "environments"
VERSION = "arn:aws:lambda:us-east-1:111111111111:function:StackFlowAPI:7"
EVENT = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "e-1"}

Answers = Callable[[dict[str, Any]], list[str]]


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """What CodeDeploy is told once Lambda answers so, again and again."""

    def told(reply: dict[str, Any]) -> list[str]:
        clients = {each: boto3.client(each, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
                   for each in ("lambda", "codedeploy")}  # fmt: skip
        stubs = {name: Stubber(client) for name, client in clients.items()}
        given: list[str] = []
        for _ in range(readiness.TRIES):
            payload = json.dumps(reply.pop("Payload", None) or reply["answer"]).encode()
            body = {"Payload": StreamingBody(io.BytesIO(payload), len(payload))}
            reply["answer"] = json.loads(payload)
            extra = {name: each for name, each in reply.items() if name != "answer"}
            asked = {"FunctionName": VERSION, "Payload": json.dumps(readiness.EVENT)}
            stubs["lambda"].add_response("invoke", body | extra, asked)
        client = clients["codedeploy"]
        client.meta.events.register(
            "provide-client-params.codedeploy.PutLifecycleEventHookExecutionStatus",
            lambda params, **_: given.append(params["status"]),
        )
        stubs["codedeploy"].add_response("put_lifecycle_event_hook_execution_status", {})
        for stub in stubs.values():
            stub.activate()
        monkeypatch.setattr(readiness.boto3, "client", lambda name, **_: clients[name])
        monkeypatch.setattr(readiness.time, "sleep", lambda _: None)
        monkeypatch.setenv("VERSION", VERSION)
        readiness.handler(EVENT, None)
        return given

    return told


def test_a_version_that_answers_200_gets_calls(answers: Answers) -> None:
    assert answers({"StatusCode": 200, "Payload": {"statusCode": 200}}) == ["Succeeded"]


@pytest.mark.parametrize(
    "reply",
    [
        {"StatusCode": 200, "Payload": {"statusCode": 503}},
        {"StatusCode": 200, "Payload": {"errorType": "SettingsError"}, "FunctionError": "Unhandled"},
    ],
)
def test_one_that_is_not_ready_or_breaks_gets_none(answers: Answers, reply: dict[str, Any]) -> None:
    assert answers(reply) == ["Failed"]


def test_the_api_understands_what_it_is_asked(dev: Synth) -> None:
    """Its stores are away: a rollout of such code ends before anybody calls it."""
    whole = lines.seen(dev, given_too=("OIDC_ISSUER", "OIDC_AUDIENCE"))
    api = Mangum(create_app(whole, serve_streams=False), lifespan="off", text_mime_types=TEXT_MIME_TYPES)
    answer = api(readiness.EVENT, None)  # type: ignore[arg-type]
    assert (answer["statusCode"], json.loads(answer["body"])["status"]) == (503, "not ready")


def test_codedeploy_asks_the_new_version_before_it_gets_calls(each: Synth) -> None:
    resolver, resources = Resolver(each), each.templates["Service"]["Resources"]
    (alias,) = [found for found in resources.values() if found["Type"] == "AWS::Lambda::Alias"]
    hook = alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]["BeforeAllowTrafficHook"]["Ref"]
    asked = resources[hook]["Properties"]["Environment"]["Variables"]["VERSION"]
    assert resolver.text(asked, "Service") == f"{each.environment.functions.name}:7"
    # AWS::Lambda::Function takes 4,096 characters of code in a template.
    assert resources[hook]["Properties"]["Code"]["ZipFile"] == Path(readiness.__file__).read_text()
    assert len(resources[hook]["Properties"]["Code"]["ZipFile"]) < 4_096
    # It and the alarms are of the new version before the alias moves.
    (behind,) = depends(each, "AWS::Lambda::Alias").values()
    alarms = {id_ for id_, found in resources.items() if found["Type"] == "AWS::CloudWatch::Alarm"}
    assert behind >= {hook, *alarms, "Rollout5400B0F2", "RolloutServiceRoleDefaultPolicy89AC2967"}


def test_an_unguarded_deploy_asks_nobody(tmp_path: Path) -> None:
    """A way out where an alarm or the readiness is itself what is wrong."""
    file = FILES / "prod.toml"
    synth = loaded(load_environment(file).environment, synthesize(file, tmp_path, stubbed=True, unguarded=True))
    (group,) = synth.resources("AWS::CodeDeploy::DeploymentGroup").values()
    assert group["AlarmConfiguration"]["Enabled"] is False
    assert group["DeploymentConfigName"] == "CodeDeployDefault.LambdaAllAtOnce"
    (alias,) = [
        found for found in synth.templates["Service"]["Resources"].values() if found["Type"] == "AWS::Lambda::Alias"
    ]
    assert "BeforeAllowTrafficHook" not in alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
