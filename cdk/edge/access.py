"""Access logs of the distributions: standard logging v2 with selected fields."""

from aws_cdk import Stack
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3

# Excluded: the query string, which contains the variables of a GET; the referrer; cookies.
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html
FIELDS = (
    "date",
    "time",
    "x-edge-location",
    "x-edge-request-id",
    "c-ip",
    "cs-method",
    "x-host-header",
    "cs-uri-stem",
    "sc-status",
    "cs-bytes",
    "sc-bytes",
    "time-taken",
    "time-to-first-byte",
    "x-edge-result-type",
    "x-edge-detailed-result-type",
    "cs(User-Agent)",
    "cs-protocol",
    "cs-protocol-version",
    "ssl-protocol",
)
FOLDER = "{DistributionId}/{yyyy}/{MM}/{dd}"
DELIVERY = "delivery.logs.amazonaws.com"


class AccessLogs:
    """One log destination in a bucket, shared by any number of distributions."""

    def __init__(self, stack: Stack, bucket: s3.Bucket, environment: str) -> None:
        self._stack = stack
        self._environment = environment
        self._last: logs.CfnDelivery | None = None
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-V2-S3.html
        bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AccessLogs",
                actions=["s3:PutObject"],
                resources=[bucket.arn_for_objects(f"AWSLogs/{stack.account}/*")],
                principals=[iam.ServicePrincipal(DELIVERY)],
                conditions={
                    "StringEquals": {
                        "aws:SourceAccount": stack.account,
                        "s3:x-amz-acl": "bucket-owner-full-control",
                    },
                    "ArnLike": {"aws:SourceArn": f"arn:aws:logs:{stack.region}:{stack.account}:delivery-source:*"},
                },
            )
        )
        self._destination = logs.CfnDeliveryDestination(
            stack,
            "AccessLogsDestination",
            name=f"stackflow-{environment}-access",
            destination_resource_arn=bucket.bucket_arn,
            output_format="json",
        )
        if bucket.policy is not None:
            self._destination.node.add_dependency(bucket.policy)

    def add(self, name: str, distribution: cloudfront.Distribution) -> None:
        """Write the access log of this distribution too."""
        source = logs.CfnDeliverySource(
            self._stack,
            f"{name.title()}AccessSource",
            name=f"stackflow-{self._environment}-{name}",
            log_type="ACCESS_LOGS",
            resource_arn=distribution.distribution_arn,
        )
        delivery = logs.CfnDelivery(
            self._stack,
            f"{name.title()}Access",
            delivery_source_name=source.name,
            delivery_destination_arn=self._destination.attr_arn,
            record_fields=list(FIELDS),
            s3_suffix_path=FOLDER,
        )
        delivery.node.add_dependency(source)
        # AWS rejects two deliveries that are created to the same destination concurrently.
        if self._last is not None:
            delivery.node.add_dependency(self._last)
        self._last = delivery
