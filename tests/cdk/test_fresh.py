"""A fresh environment: everything in two zones, under one key, and reached by one group."""

import json

from tests.cdk.templates import Synth, listed


def key_of(synth: Synth) -> str:
    (id_,) = synth.resources("AWS::KMS::Key")
    return id_


def test_the_key_is_multi_region_and_turns_by_itself(dev: Synth) -> None:
    (key,) = dev.resources("AWS::KMS::Key").values()
    assert (key["MultiRegion"], key["EnableKeyRotation"]) == (True, True)
    assert key.get("Enabled", True) is True


def test_one_key_encrypts_everything(dev: Synth) -> None:
    key = {"Fn::GetAtt": [key_of(dev), "Arn"]}
    for type_, property_, number in (
        ("AWS::RDS::DBCluster", "KmsKeyId", 2),
        ("AWS::Neptune::DBCluster", "KmsKeyId", 1),
        ("AWS::ElastiCache::ReplicationGroup", "KmsKeyId", 1),
        ("AWS::SecretsManager::Secret", "KmsKeyId", 1),
        ("AWS::SNS::Topic", "KmsMasterKeyId", 1),
    ):
        found = dev.resources(type_, "Stores").values()
        assert len(found) == number
        assert all(each[property_] == key for each in found), type_
    queues = dev.resources("AWS::SQS::Queue", "Stores").values()
    assert [each["KmsMasterKeyId"] for each in queues] == [key] * 8
    (vectors,) = dev.resources("AWS::S3Vectors::VectorBucket").values()
    assert f"GetAtt{key_of(dev)}" in json.dumps(vectors["EncryptionConfiguration"]["KmsKeyArn"])
    (documents,) = [id_ for id_ in dev.resources("AWS::S3::Bucket", "Stores") if id_.startswith("Documents")]
    rules = dev.resources("AWS::S3::Bucket")[documents]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rules[0]["ServerSideEncryptionByDefault"] == {"KMSMasterKeyID": key, "SSEAlgorithm": "aws:kms"}


def test_stores_are_encrypted_on_their_way_and_at_rest(dev: Synth) -> None:
    for cluster in (*dev.resources("AWS::RDS::DBCluster").values(), *dev.resources("AWS::Neptune::DBCluster").values()):
        assert cluster["StorageEncrypted"] is True
    parameters = dev.resources("AWS::RDS::DBClusterParameterGroup").values()
    assert [group["Parameters"]["rds.force_ssl"] for group in parameters] == ["1", "1"]
    (cache,) = dev.resources("AWS::ElastiCache::ReplicationGroup").values()
    assert (cache["TransitEncryptionEnabled"], cache["AtRestEncryptionEnabled"]) == (True, True)


def test_clusters_are_of_the_documented_majors_and_take_iam(dev: Synth) -> None:
    versions = {
        each["DBClusterIdentifier"]: (each["EngineVersion"].partition(".")[0], each["EnableIAMDatabaseAuthentication"])
        for each in dev.resources("AWS::RDS::DBCluster").values()
    }
    assert versions == {"stackflow-main-dev": ("16", True), "stackflow-req-dev": ("17", True)}
    (graph,) = dev.resources("AWS::Neptune::DBCluster").values()
    assert (graph["IamAuthEnabled"], graph["DBPort"]) == (True, 8182)


def test_stores_stand_in_two_zones(dev: Synth) -> None:
    subnets = {
        id_: each["AvailabilityZone"]
        for id_, each in dev.resources("AWS::EC2::Subnet").items()
        if "private" in id_.lower()
    }
    assert sorted(subnets.values()) == ["us-east-1a", "us-east-1b"]
    assert len(dev.resources("AWS::RDS::DBInstance")) == 4
    assert len(dev.resources("AWS::Neptune::DBInstance")) == 2
    (cache,) = dev.resources("AWS::ElastiCache::ReplicationGroup").values()
    assert (cache["MultiAZEnabled"], cache["AutomaticFailoverEnabled"], cache["ReplicasPerNodeGroup"]) == (
        True,
        True,
        1,
    )
    for type_ in ("AWS::RDS::DBSubnetGroup", "AWS::Neptune::DBSubnetGroup", "AWS::ElastiCache::SubnetGroup"):
        for group in dev.resources(type_).values():
            assert len(group["SubnetIds"]) == 2


def test_clusters_log_to_groups_that_end(dev: Synth) -> None:
    """RDS makes a group that there is not, and keeps it for ever."""
    template = dev.templates["Stores"]["Resources"]
    groups = {
        each["Properties"]["LogGroupName"]: (id_, each["Properties"]["RetentionInDays"])
        for id_, each in template.items()
        if each["Type"] == "AWS::Logs::LogGroup"
    }
    exported = {}
    for id_, each in template.items():
        if each["Type"] in {"AWS::RDS::DBCluster", "AWS::Neptune::DBCluster"}:
            prefix = "rds/cluster" if "RDS" in each["Type"] else "neptune"
            for kind in each["Properties"]["EnableCloudwatchLogsExports"]:
                exported[f"/aws/{prefix}/{each['Properties']['DBClusterIdentifier']}/{kind}"] = id_
    assert groups.keys() == exported.keys()
    for name, (group, days) in groups.items():
        assert days == 90
        assert group in template[exported[name]]["DependsOn"]


def test_neptune_writes_the_log_of_slow_queries_that_it_exports(dev: Synth) -> None:
    (group,) = dev.resources("AWS::Neptune::DBClusterParameterGroup").values()
    assert group["Parameters"]["neptune_enable_slow_query_log"] == "info"
    assert group["Parameters"]["neptune_enable_audit_log"] == "1"


def test_no_database_has_a_public_address(dev: Synth) -> None:
    assert {each["PubliclyAccessible"] for each in dev.resources("AWS::RDS::DBInstance").values()} == {False}


def test_the_group_lets_its_own_members_in_and_nobody_else(dev: Synth) -> None:
    (group,) = dev.resources("AWS::EC2::SecurityGroup")
    member = {"Fn::GetAtt": [group, "GroupId"]}
    inside = {
        each["FromPort"]: (each["ToPort"], each["SourceSecurityGroupId"], each["GroupId"])
        for each in dev.resources("AWS::EC2::SecurityGroupIngress").values()
    }
    assert inside == {port: (port, member, member) for port in (5432, 8182, 6379, 443)}
    assert "SecurityGroupIngress" not in dev.resources("AWS::EC2::SecurityGroup")[group]


def test_the_group_reaches_its_own_members_and_https(dev: Synth) -> None:
    (group,) = dev.resources("AWS::EC2::SecurityGroup").values()
    outside = [(each["CidrIp"], each["FromPort"], each["ToPort"]) for each in group["SecurityGroupEgress"]]
    assert outside == [("0.0.0.0/0", 443, 443)]
    within = [each["FromPort"] for each in dev.resources("AWS::EC2::SecurityGroupEgress").values()]
    assert sorted(within) == [443, 5432, 6379, 8182]


def test_every_function_is_in_the_group_of_the_stores(dev: Synth) -> None:
    for suffix in ("", "-events", "-projector", "-requirements", "-workflows", "-migrations"):
        (group,) = dev.function(suffix)["VpcConfig"]["SecurityGroupIds"]
        assert "Mesh" in str(group)


def test_apis_are_reached_inside_the_network(dev: Synth) -> None:
    endpoints = {
        (each["ServiceName"] if isinstance(each["ServiceName"], str) else "s3", each["VpcEndpointType"])
        for each in dev.resources("AWS::EC2::VPCEndpoint").values()
    }
    assert endpoints == {
        ("s3", "Gateway"),
        ("com.amazonaws.us-east-1.secretsmanager", "Interface"),
        ("com.amazonaws.us-east-1.sqs", "Interface"),
        ("com.amazonaws.us-east-1.bedrock-runtime", "Interface"),
        ("com.amazonaws.us-east-1.bedrock-agent-runtime", "Interface"),
    }


def test_queues_set_aside_what_fails_and_events_wait(dev: Synth) -> None:
    queues = {each["QueueName"]: each for each in dev.resources("AWS::SQS::Queue", "Stores").values()}
    names = dev.environment.queues
    dead = {name for name in queues if "-DLQ" in name}
    assert len(queues) == 8
    assert dead == {
        "StackFlow-Events-Ingestion-dev-DLQ.fifo",
        f"{names.remediation_p1}-DLQ",
        f"{names.remediation_standard}-DLQ",
        f"{names.notifications}-DLQ",
    }
    for name in queues.keys() - dead:
        # The worker of events makes dead letters itself, and what waits for a store is none.
        assert queues[name]["RedrivePolicy"]["maxReceiveCount"] == (500 if name == names.events else 5)
    events = queues[names.events]
    assert events["MessageRetentionPeriod"] == 14 * 86_400
    # Or all groups share 300 calls a second.
    assert (events["DeduplicationScope"], events["FifoThroughputLimit"]) == ("messageGroup", "perMessageGroupId")
    assert {"DeduplicationScope", "FifoThroughputLimit"} & queues[names.notifications].keys() == set()
    assert (events["FifoQueue"], events["VisibilityTimeout"]) == (True, 6 * dev.function("-events")["Timeout"])


def test_queues_and_buckets_refuse_what_is_not_encrypted_on_its_way(dev: Synth) -> None:
    policies = [
        *dev.resources("AWS::SQS::QueuePolicy").values(),
        *dev.resources("AWS::S3::BucketPolicy").values(),
        *dev.resources("AWS::SNS::TopicPolicy").values(),
    ]
    assert len(policies) == 15
    for policy in policies:
        denied = [each for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Deny"]
        assert {"Bool": {"aws:SecureTransport": "false"}} in [each["Condition"] for each in denied]


def test_the_knowledge_base_embeds_by_titan_in_1024_dimensions(dev: Synth) -> None:
    (base,) = dev.resources("AWS::Bedrock::KnowledgeBase").values()
    vectors = base["KnowledgeBaseConfiguration"]["VectorKnowledgeBaseConfiguration"]
    assert vectors["EmbeddingModelArn"].endswith("foundation-model/amazon.titan-embed-text-v2:0")
    embedding = vectors["EmbeddingModelConfiguration"]["BedrockEmbeddingModelConfiguration"]
    assert embedding["Dimensions"] == 1024
    (index,) = dev.resources("AWS::S3Vectors::Index").values()
    assert (index["Dimension"], index["DataType"], index["DistanceMetric"]) == (1024, "float32", "cosine")


def test_who_may_tell_the_topic(dev: Synth) -> None:
    (policy,) = dev.resources("AWS::SNS::TopicPolicy").values()
    (told,) = [each for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Allow"]
    assert sorted(listed(told["Principal"]["Service"])) == [
        "budgets.amazonaws.com",
        "cloudwatch.amazonaws.com",
        "events.amazonaws.com",
    ]
