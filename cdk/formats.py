"""Formats of the values of an environment file, described in words for operators."""

from typing import Annotated, Literal, NamedTuple

from msgspec import Meta


class Placeholder(NamedTuple):
    """A value that a file may leave as `?`: its placeholder, which is never deployed, and the command or question to
    find it. In both, {parent} is the table, {PARENT} the same in capitals; `<key>` in a command is that key's value."""

    stand_in: str | int | list[str]
    find: str


Text = Annotated[str, Meta(min_length=1)]
Positive = Annotated[int, Meta(ge=1)]

Name = Annotated[
    str, Meta(pattern=r"^[a-z][a-z0-9]{1,11}$", description="2 to 12 small letters and digits, a letter first")
]
Account = Annotated[str, Meta(pattern=r"^\d{12}$", description="the 12 digits of an account, in quotes")]
Region = Annotated[str, Meta(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$", description="a region as in us-east-1")]
Key = Annotated[
    str,
    Meta(pattern=r"^mrk-[0-9a-f]{32}$", description="the id of a multi-region key: mrk- and 32 hexadecimal digits"),
]
Vpc = Annotated[str, Meta(pattern=r"^vpc-[0-9a-f]{8,17}$", description="the id of a VPC: vpc- and hexadecimal digits")]
Subnet = Annotated[str, Meta(pattern=r"^subnet-[0-9a-f]{8,17}$")]
Group = Annotated[
    str, Meta(pattern=r"^sg-[0-9a-f]{8,17}$", description="the id of a security group: sg- and hexadecimal digits")
]
Zone = Annotated[str, Meta(pattern=r"^[a-z]{2}(-[a-z]+)+-\d[a-z]$")]
Zones = Annotated[list[Zone], Meta(min_length=2, max_length=3, description="two or three zones as in us-east-1a")]
Subnets = Annotated[
    dict[Zone, Subnet],
    Meta(description='zones with their subnets, as in { us-east-1a = "subnet-05eae5f255dec054f" }'),
]
Range = Annotated[str, Meta(pattern=r"^\d{1,3}(\.\d{1,3}){3}/\d{1,2}$")]
Ranges = Annotated[list[Range], Meta(description='ranges of addresses, as in ["10.0.0.0/16"]')]
Cidr = Annotated[str, Meta(pattern=r"^10\.\d{1,3}\.0\.0/16$", description="a range as in 10.60.0.0/16")]
Secret = Annotated[
    str,
    Meta(
        pattern=r"^arn:aws:secretsmanager:[a-z0-9-]+:\d{12}:secret:\S+$",
        description="the ARN of a secret: arn:aws:secretsmanager:<region>:<account>:secret:<name>",
    ),
]
Identity = Annotated[
    str,
    Meta(
        pattern=r"^cluster-[A-Z0-9]+$",
        description="the resource id of a cluster: cluster- and capital letters and digits",
    ),
]
AuroraVersion = Annotated[
    str,
    Meta(pattern=r"^1[67]\.\d+$", description="a version of Aurora PostgreSQL 16 or 17, as in 16.13"),
]
NeptuneVersion = Annotated[str, Meta(pattern=r"^1\.4\.\d+\.\d+$", description="a version of Neptune as in 1.4.6.1")]
Node = Annotated[
    str, Meta(pattern=r"^cache\.[a-z0-9]+\.[a-z0-9]+$", description="a type of node as in cache.t4g.small")
]
KnowledgeBase = Annotated[
    str,
    Meta(
        pattern=r"^[A-Z0-9]{10}$",
        description="the id of a knowledge base or its data source: 10 capital letters and digits",
    ),
]
Bucket = Annotated[
    str,
    Meta(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", description="the name of a bucket, without s3://"),
]
VectorStore = Annotated[
    Literal["s3-vectors", "opensearch-serverless"],
    Meta(
        description="s3-vectors, which costs nothing while idle, or opensearch-serverless, which searches by words too"
    ),
]
Collection = Annotated[
    str, Meta(pattern=r"^[a-z][a-z0-9-]{2,27}$", description="3 to 28 small letters, digits and -, a letter first")
]
Fifo = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9_-]{1,75}\.fifo$", description="the name of a FIFO queue; it ends in .fifo")
]
Standard = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9_-]{1,80}$", description="the name of a queue: letters, digits, - and _")
]
Function = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,48}$", description="1 to 48 letters, digits, - and _")]
Stage = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_]+$", description="letters, digits and _")]
Issuer = Annotated[str, Meta(pattern=r"^https://\S+$", description="the URL of an issuer; it begins with https://")]
Firewall = Annotated[str, Meta(pattern=r"^[A-Za-z0-9-]{1,120}$", description="1 to 120 letters, digits and -")]
FirewallArn = Annotated[
    str,
    Meta(
        pattern=r"^arn:aws:wafv2:us-east-1:\d{12}:global/webacl/[^/]+/\S+$",
        description="the ARN of a firewall for CloudFront: arn:aws:wafv2:us-east-1:<account>:global/webacl/<name>/<id>",
    ),
]
Certificate = Annotated[
    str,
    Meta(
        pattern=r"^arn:aws:acm:us-east-1:\d{12}:certificate/\S+$",
        description="the ARN of a certificate in us-east-1: arn:aws:acm:us-east-1:<account>:certificate/<id>",
    ),
]
DistributionId = Annotated[
    str,
    Meta(pattern=r"^E[A-Z0-9]{9,14}$", description="the id of a distribution: E and capital letters and digits"),
]
Domain = Annotated[str, Meta(pattern=r"^[a-z0-9.-]+\.[a-z]{2,}$", description="a domain as in api.example.org")]
