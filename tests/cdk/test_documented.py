"""Each line of the system as documented stands in the adopted templates; docs/aws.md says which test holds which."""

from tests.cdk.templates import Synth, listed

SUFFIXES = {
    "": ("app.handler", 300),
    "-events": ("workers.events.handler", 120),
    "-projector": ("workers.projection.handler", 58),
    "-requirements": ("workers.requirements.handler", 58),
    "-workflows": ("workers.workflows.handler", 58),
    "-migrations": ("workers.migrations.handler", 840),
}
ACCOUNT = "373544523367"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/mrk-bd842691514c4d74a02992b8dc11fe16"
STORES = {
    "AWS::Bedrock::KnowledgeBase",
    "AWS::EC2::NatGateway",
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::Subnet",
    "AWS::EC2::VPC",
    "AWS::ElastiCache::ReplicationGroup",
    "AWS::KMS::Key",
    "AWS::Neptune::DBCluster",
    "AWS::OpenSearchServerless::Collection",
    "AWS::RDS::DBCluster",
    "AWS::SecretsManager::Secret",
}


def variables(synth: Synth, suffix: str = "") -> dict[str, str]:
    found: dict[str, str] = synth.function(suffix)["Environment"]["Variables"]
    return found


def test_account_and_region(prod: Synth) -> None:
    assert (prod.environment.account, prod.environment.region) == (ACCOUNT, "us-east-1")
    manifest = (prod.folder / "manifest.json").read_text()
    assert manifest.count(f'"environment": "aws://{ACCOUNT}/us-east-1"') == 3


def test_functions_stand_in_the_subnets_and_the_group(prod: Synth) -> None:
    for suffix in SUFFIXES:
        assert prod.function(suffix)["VpcConfig"] == {
            "SecurityGroupIds": ["sg-0ada825cda6a75ed6"],
            "SubnetIds": ["subnet-05eae5f255dec054f", "subnet-03ab773ce82d704d1"],
        }
    assert prod.environment.network.private_subnets == {  # type: ignore[union-attr]
        "us-east-1a": "subnet-05eae5f255dec054f",
        "us-east-1b": "subnet-03ab773ce82d704d1",
    }
    assert prod.environment.network.vpc_id == "vpc-0c4e3c18734dee8f7"  # type: ignore[union-attr]


def test_the_function_is_as_documented(prod: Synth) -> None:
    assert prod.function()["FunctionName"] == "StackFlowAPI"
    for suffix, (handler, seconds) in SUFFIXES.items():
        function = prod.function(suffix)
        assert (function["Handler"], function["Timeout"]) == (handler, seconds)
        assert (function["MemorySize"], function["Runtime"]) == (1024 if suffix else 1792, "python3.13")
        assert function["Architectures"] == ["arm64"]


def test_all_functions_run_one_zip(each: Synth) -> None:
    assert len({str(each.function(suffix)["Code"]) for suffix in SUFFIXES}) == 1


def test_the_gateway_throttles_at_the_documented_rates(each: Synth) -> None:
    (stage,) = each.resources("AWS::ApiGateway::Stage").values()
    settings = [found for found in stage["MethodSettings"] if found["ResourcePath"] == "/*"]
    assert len(settings) == 1
    assert (settings[0]["HttpMethod"], settings[0]["ThrottlingBurstLimit"]) == ("*", 10_000)
    assert settings[0]["ThrottlingRateLimit"] == 5_000


def test_the_main_database_is_reached_by_iam_and_verified_tls(prod: Synth) -> None:
    expected = (
        "postgresql://stackflow_api@stackflow-main-prod.cluster-c6pq0smgmlri.us-east-1.rds.amazonaws.com:5432/stackflow"
        "?sslmode=verify-full&sslrootcert=/var/task/certificates/rds-global-bundle.pem"
    )
    for suffix in set(SUFFIXES) - {"-migrations"}:
        assert variables(prod, suffix)["DATABASE_URL"] == expected
        assert variables(prod, suffix)["DATABASE_IAM"] == "on"
    assert variables(prod, "-migrations")["DATABASE_URL"] == expected.replace("stackflow_api@", "")


def test_an_instance_holds_ten_connections_at_most(each: Synth) -> None:
    for suffix in set(SUFFIXES) - {"-migrations"}:
        assert 2 * int(variables(each, suffix)["DATABASE_POOL_MAX"]) <= 10


def test_the_requirements_database(prod: Synth) -> None:
    url = variables(prod)["REQUIREMENTS_URL"]
    assert "@stackflow-req-prod.cluster-c6pq0smgmlri.us-east-1.rds.amazonaws.com:5432/" in url
    assert url.endswith("?sslmode=verify-full&sslrootcert=/var/task/certificates/rds-global-bundle.pem")


def test_the_graph_is_signed_for_and_on_its_port(prod: Synth) -> None:
    host = "stackflow-knowledge-graph.cluster-c6pq0smgmlri.us-east-1.neptune.amazonaws.com"
    for suffix in ("", "-projector"):
        assert variables(prod, suffix)["GRAPH_URL"] == f"wss://{host}:8182/gremlin"
        assert variables(prod, suffix)["GRAPH_IAM"] == "on"


def test_the_cache_is_reached_by_tls_and_a_token(prod: Synth) -> None:
    assert variables(prod)["REDIS_URL"] == "rediss://master.stackflow-redis-prod.mnzfvx.use1.cache.amazonaws.com:6379/0"
    assert variables(prod)["REDIS_SECRET"].startswith(f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:")


def test_the_queue_of_events_wakes_the_worker(prod: Synth) -> None:
    (mapping,) = prod.resources("AWS::Lambda::EventSourceMapping").values()
    assert mapping["EventSourceArn"] == f"arn:aws:sqs:us-east-1:{ACCOUNT}:StackFlow-Events-Ingestion.fifo"
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert (mapping["BatchSize"], mapping["ScalingConfig"]) == (10, {"MaximumConcurrency": 10})


def test_the_worker_of_events_says_when_they_come_again(each: Synth) -> None:
    """By the URL it knows its queue; the right to change visibility is in test_privilege."""
    assert variables(each, "-events")["EVENTS_QUEUE_URL"] == variables(each)["EVENTS_QUEUE_URL"]
    assert "EVENTS_QUEUE_URL" not in variables(each, "-projector")


def test_workflows_send_to_both_remediation_queues(prod: Synth) -> None:
    found = variables(prod, "-workflows")
    names = prod.environment.queues
    for variable, name in (
        ("REMEDIATION_P1_QUEUE_URL", names.remediation_p1),
        ("REMEDIATION_STANDARD_QUEUE_URL", names.remediation_standard),
        ("NOTIFICATIONS_QUEUE_URL", names.notifications),
    ):
        assert f"/{ACCOUNT}/{name}" in str(found[variable])


def test_three_distributions_are_adopted(prod: Synth) -> None:
    distributions = prod.environment.edge.distributions
    assert (distributions.docs.id, distributions.docs.domain) == ("E1UTZ9SVSR2WGV", "docs.stackflow-tech.com")
    assert None not in {distributions.app.id, distributions.api.id}
    assert "AWS::CloudFront::Distribution" not in prod.types()


def test_the_firewall_is_adopted_and_the_gateway_has_its_own(prod: Synth) -> None:
    assert prod.environment.edge.firewall == "stackflow-cloudfront-waf"
    (acl,) = prod.resources("AWS::WAFv2::WebACL").values()
    assert acl["Scope"] == "REGIONAL"
    (stands,) = prod.resources("AWS::WAFv2::WebACLAssociation").values()
    assert "/stages/" in str(stands["ResourceArn"])


def test_firewalls_stop_the_top_ten_bad_inputs_and_floods(each: Synth) -> None:
    acls = each.resources("AWS::WAFv2::WebACL").values()
    assert {acl["Scope"] for acl in acls} == (
        {"REGIONAL"} if each.environment.edge.firewall_arn else {"REGIONAL", "CLOUDFRONT"}
    )
    for acl in acls:
        groups = {
            rule["Statement"]["ManagedRuleGroupStatement"]["Name"]
            for rule in acl["Rules"]
            if "ManagedRuleGroupStatement" in rule["Statement"]
        }
        assert groups == {
            "AWSManagedRulesCommonRuleSet",
            "AWSManagedRulesKnownBadInputsRuleSet",
            "AWSManagedRulesSQLiRuleSet",
        }
        (rate, *_) = [rule for rule in acl["Rules"] if "RateBasedStatement" in rule["Statement"]] or [None]
        # At the gateway all addresses are CloudFront's.
        assert (rate is None) == (acl["Scope"] == "REGIONAL")
        if rate is not None:
            assert rate["Statement"]["RateBasedStatement"]["Limit"] == 300_000
            assert rate["Action"]["Block"]["CustomResponse"]["ResponseCode"] == 429


def test_the_key_is_the_documented_one(prod: Synth) -> None:
    keys = {
        resource
        for _, statement in prod.statements()
        if any(action.startswith("kms:") for action in listed(statement["Action"]))
        for resource in listed(statement["Resource"])
    }
    assert keys == {KEY}


def test_the_knowledge_base_and_its_embeddings(prod: Synth) -> None:
    found = {
        statement["Sid"]: statement["Resource"]
        for id_, statement in prod.statements()
        if statement.get("Sid") in {"Knowledge", "Models"}
    }
    assert variables(prod)["KNOWLEDGE_BASE_ID"] == "BXJGG7PIPS"
    assert found == {
        "Knowledge": f"arn:aws:bedrock:us-east-1:{ACCOUNT}:knowledge-base/BXJGG7PIPS",
        "Models": "arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-embed-text-v2:0",
    }


def test_nothing_that_keeps_data_is_made_where_it_is_adopted(prod: Synth) -> None:
    # The origin's secret is the gateway's own, and made anew whenever it is turned.
    assert prod.types() & STORES == {"AWS::SecretsManager::Secret"}
    assert len(prod.resources("AWS::SecretsManager::Secret")) == 1
    # Lost ticks are the one queue: minutes that nobody will ask for.
    assert len(prod.resources("AWS::SQS::Queue")) == 1


def test_logs_are_structured_and_end(each: Synth) -> None:
    for suffix in SUFFIXES:
        assert each.function(suffix)["LoggingConfig"]["LogFormat"] == "JSON"
    groups = each.resources("AWS::Logs::LogGroup")
    assert len(groups) == (10 if each.environment.name == "prod" else 16)
    assert {group["RetentionInDays"] for group in groups.values()} <= {30, 90}


def test_metrics_and_logs_of_the_gateway(each: Synth) -> None:
    (stage,) = each.resources("AWS::ApiGateway::Stage").values()
    (settings,) = [found for found in stage["MethodSettings"] if found["ResourcePath"] == "/*"]
    assert settings["MetricsEnabled"] is True
    assert settings["DataTraceEnabled"] is False
    line = stage["AccessLogSetting"]["Format"]
    assert "$context.requestId" in line
    assert "querystring" not in line.lower()


def test_x_ray_follows_a_call_through_gateway_and_functions(each: Synth) -> None:
    (stage,) = each.resources("AWS::ApiGateway::Stage").values()
    assert stage["TracingEnabled"] is True
    for suffix in SUFFIXES:
        assert each.function(suffix)["TracingConfig"] == {"Mode": "Active"}


def test_alarms_go_to_the_topic_of_findings(prod: Synth) -> None:
    topic = f"arn:aws:sns:us-east-1:{ACCOUNT}:stackflow-security-findings"
    alarms = prod.resources("AWS::CloudWatch::Alarm", "Watch")
    assert len(alarms) == 85
    assert {action for alarm in alarms.values() for action in alarm["AlarmActions"]} == {topic}


def test_the_gateway_hangs_up_before_the_function_and_after_the_request(each: Synth) -> None:
    methods = each.resources("AWS::ApiGateway::Method").values()
    assert {method["Integration"]["TimeoutInMillis"] for method in methods} == {29_000}
    assert variables(each)["REQUEST_TIMEOUT_SECONDS"] == "25"
