"""New code takes over behind its migrations, a tenth first, and goes back if an alarm sounds."""

import json

from cdk.environment import AdoptedEnvironment
from tests.cdk.templates import Synth
from tests.cdk.test_retention import references


def depends(synth: Synth, type_: str) -> dict[str, set[str]]:
    return {
        id_: set(each.get("DependsOn", []))
        for id_, each in synth.templates["Service"]["Resources"].items()
        if each["Type"] == type_
    }


def test_pre_migrations_come_before_any_new_code(each: Synth) -> None:
    functions = depends(each, "AWS::Lambda::Function")
    waiting = {id_ for id_, behind in functions.items() if "MigrationsPre" in behind}
    assert {id_[:-8] for id_ in waiting} == {"EventsWorker", "Projector", "Requirements", "Workflows"}
    (alias,) = depends(each, "AWS::Lambda::Alias").values()
    assert "MigrationsPre" in alias


def test_post_migrations_come_after_all_old_code_is_gone(each: Synth) -> None:
    (behind,) = depends(each, "Custom::MigrationsPost").values()
    assert {
        id_[:-8] for id_ in behind if each.templates["Service"]["Resources"][id_]["Type"].startswith("AWS::Lambda")
    } >= {
        "EventsWorker",
        "Live",
        "Projector",
        "Requirements",
        "Workflows",
    }


def test_post_migrations_come_last_of_all(each: Synth) -> None:
    """What came after them could fail, and the code that then comes back may not run on what they left."""
    resources = each.templates["Service"]["Resources"]
    behind, waiting = set[str](), {"MigrationsPost"}
    while waiting:
        resource = resources[waiting.pop()]
        needed = {*references(resource.get("Properties", {})), *resource.get("DependsOn", [])}
        waiting |= (needed & resources.keys()) - behind
        behind |= needed
    assert resources.keys() - behind == {"MigrationsPost"}


def test_each_new_bundle_asks_for_its_migrations(each: Synth) -> None:
    for phase in ("pre", "post"):
        (asked,) = each.resources(f"Custom::Migrations{phase.title()}").values()
        assert asked["Phase"] == phase
        assert len(asked["Bundle"]) == 64


def test_a_restored_database_asks_for_its_migrations(prod: Synth, dev: Synth) -> None:
    """Another host is another property, so CloudFormation asks for the steps again."""
    assert isinstance(prod.environment, AdoptedEnvironment)
    clusters = prod.environment.aurora.main, prod.environment.aurora.requirements
    for phase in ("Pre", "Post"):
        (asked,) = prod.resources(f"Custom::Migrations{phase}").values()
        assert asked["Databases"] == [f"{cluster.host}/{cluster.database}" for cluster in clusters]
        (asked,) = dev.resources(f"Custom::Migrations{phase}").values()
        assert ["EndpointAddress" in json.dumps(database) for database in asked["Databases"]] == [True, True]


def test_migrations_end_before_their_provider(each: Synth) -> None:
    """It lives for 15 minutes, and one that dies has given CloudFormation no answer."""
    (provider,) = [
        function
        for id_, function in each.resources("AWS::Lambda::Function").items()
        if id_.startswith("MigrationsAsked")
    ]
    assert each.function("-migrations")["Timeout"] == provider["Timeout"] - 60 == 840


def test_a_canary_takes_a_tenth_for_five_minutes_and_alarms_guard_it(each: Synth) -> None:
    (group,) = each.resources("AWS::CodeDeploy::DeploymentGroup").values()
    assert group["DeploymentConfigName"] == "CodeDeployDefault.LambdaCanary10Percent5Minutes"
    assert set(group["AutoRollbackConfiguration"]["Events"]) == {
        "DEPLOYMENT_FAILURE",
        "DEPLOYMENT_STOP_ON_ALARM",
        "DEPLOYMENT_STOP_ON_REQUEST",
    }
    assert len(group["AlarmConfiguration"]["Alarms"]) == 3
    (alias,) = [
        resource
        for resource in each.templates["Service"]["Resources"].values()
        if resource["Type"] == "AWS::Lambda::Alias"
    ]
    assert "CodeDeployLambdaAliasUpdate" in alias["UpdatePolicy"]


def test_the_gateway_calls_the_alias_and_nothing_else(each: Synth) -> None:
    (alias,) = each.resources("AWS::Lambda::Alias")
    for method in each.resources("AWS::ApiGateway::Method").values():
        assert f"'Ref': '{alias}'" in str(method["Integration"]["Uri"])


def test_workers_of_the_clock_run_once_at_a_time(each: Synth) -> None:
    schedules = each.resources("AWS::Scheduler::Schedule", "Service").values()
    assert [schedule["ScheduleExpression"] for schedule in schedules] == ["rate(1 minute)"] * 3
    for suffix in ("-projector", "-requirements", "-workflows", "-migrations"):
        assert each.function(suffix)["ReservedConcurrentExecutions"] == 1
    asynchronous = each.resources("AWS::Lambda::EventInvokeConfig").values()
    assert [found["MaximumRetryAttempts"] for found in asynchronous] == [0, 0, 0]


def test_in_production_the_api_alone_starts_from_a_snapshot(each: Synth) -> None:
    assert each.environment.functions.snap_start == (each.environment.name == "prod")
    assert each.function().get("SnapStart") == (
        {"ApplyOn": "PublishedVersions"} if each.environment.functions.snap_start else None
    )
    for suffix in ("-events", "-projector", "-requirements", "-workflows", "-migrations"):
        assert "SnapStart" not in each.function(suffix)
    (alias,) = each.resources("AWS::Lambda::Alias").values()
    assert "ProvisionedConcurrencyConfig" not in alias
    assert each.function()["ReservedConcurrentExecutions"] == each.environment.functions.concurrency


def test_former_versions_are_kept_so_that_the_alias_can_go_back(each: Synth) -> None:
    versions = [
        resource
        for resource in each.templates["Service"]["Resources"].values()
        if resource["Type"] == "AWS::Lambda::Version"
    ]
    # But for one whose own deploy was rolled back: Lambda publishes no code twice, so it would stop the next try.
    assert [(version["DeletionPolicy"], version["UpdateReplacePolicy"]) for version in versions] == [
        ("RetainExceptOnCreate", "Retain")
    ]
