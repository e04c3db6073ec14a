"""How a value must look, in words: an operator reads no patterns."""

import re

# By the end of the key, the first that fits.
_WORDS = tuple(
    (re.compile(rf"(^|\.){key}$"), words)
    for key, words in (
        (r"functions\.name", "1 to 48 letters, digits, - and _"),
        (r"functions\.stage", "letters, digits and _"),
        (r"name", "2 to 12 small letters and digits, a letter first"),
        (r"account", "the 12 digits of an account, in quotes"),
        (r"edge\.region", "a region as in us-east-1"),
        (r"region", "a region as in us-east-1"),
        (r"key_id", "the id of a multi-region key: mrk- and 32 hexadecimal digits"),
        (r"vpc_id", "the id of a VPC: vpc- and hexadecimal digits"),
        (r"private_subnets", 'zones with their subnets, as in { us-east-1a = "subnet-05eae5f255dec054f" }'),
        (r"security_group_id", "the id of a security group: sg- and hexadecimal digits"),
        (r"cidr", "a range as in 10.60.0.0/16"),
        (r"network\.ranges", 'ranges of addresses, as in ["10.0.0.0/16"]'),
        (r"zones", "two or three zones as in us-east-1a"),
        (r"secret_arn", "the ARN of a secret: arn:aws:secretsmanager:<region>:<account>:secret:<name>"),
        (r"resource_id", "the resource id of a cluster: cluster- and capital letters and digits"),
        (r"neptune\.engine_version", "a version of Neptune as in 1.4.6.1"),
        (r"engine_version", "a version of Aurora PostgreSQL 16 or 17, as in 16.13"),
        (r"node_type", "a type of node as in cache.t4g.small"),
        (r"knowledge\.id", "the id of a knowledge base: 10 capital letters and digits"),
        (r"collection", "3 to 28 small letters, digits and -, a letter first"),
        (r"queues\.events", "the name of a FIFO queue; it ends in .fifo"),
        (r"queues\.\w+", "the name of a queue: letters, digits, - and _"),
        (r"issuer", "the URL of an issuer; it begins with https://"),
        (
            r"firewall_arn",
            "the ARN of a firewall for CloudFront: arn:aws:wafv2:us-east-1:<account>:global/webacl/<name>/<id>",
        ),
        (r"firewall", "1 to 120 letters, digits and -"),
        (r"certificate_arn", "the ARN of a certificate in us-east-1: arn:aws:acm:us-east-1:<account>:certificate/<id>"),
        (r"domain", "a domain as in api.example.org"),
        (r"distributions\.\w+\.id", "the id of a distribution: E and capital letters and digits"),
    )
)


def words(key: str) -> str | None:
    """What a value of this key looks like; None where the type says enough."""
    return next((each for pattern, each in _WORDS if pattern.search(key)), None)
