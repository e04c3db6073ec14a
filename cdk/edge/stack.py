"""The Edge stack in us-east-1: three distributions behind one firewall."""

from aws_cdk import CfnOutput, Stack
from aws_cdk import Environment as Place
from aws_cdk import aws_certificatemanager as certificates
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_s3 as s3
from constructs import Construct

from cdk.edge.access import AccessLogs
from cdk.edge.behaviours import api_behaviour, api_cache_policy, index_pages, pages_behaviour, security_headers
from cdk.edge.buckets import access_logs, pages
from cdk.edge.firewall import firewall, log_blocked_requests, rate_limit_rule
from cdk.environment import Distribution, Environment
from cdk.nag_suppressions import suppress
from cdk.serving.functions import RETENTION


class Edge(Stack):
    """CloudFront and its firewall. Owners change adopted distributions; the required policies are outputs."""

    def __init__(
        self,
        scope: Construct,
        construct: str,
        *,
        environment_file: Environment,
        api_domain: str,
        place: Place,
        protected: bool,
    ) -> None:
        super().__init__(scope, construct, env=place, termination_protection=protected)
        edge = environment_file.edge
        self._environment_file = environment_file
        self._headers = security_headers(self, environment_file.name)
        self._cache_policy = api_cache_policy(self, environment_file.name)
        self._index = index_pages(self, environment_file.name)
        self._firewall: str = edge.firewall_arn or self._make_firewall()
        self._logs: s3.Bucket | None = None
        self._access: AccessLogs | None = None
        faces = {"docs": edge.distributions.docs, "app": edge.distributions.app, "api": edge.distributions.api}
        self.distributions: dict[str, str] = {}
        for name, face in faces.items():
            if face.id is None:
                self._logs = self._logs or access_logs(self)
                self.distributions[name] = self._make(name, face, self._logs, api_domain)
            else:
                self.distributions[name] = face.id
            CfnOutput(self, f"{name.title()}Distribution", value=self.distributions[name])
        CfnOutput(self, "FirewallArn", value=self._firewall)
        CfnOutput(self, "HeadersPolicy", value=self._headers.response_headers_policy_id)
        CfnOutput(self, "AnswersPolicy", value=self._cache_policy.cache_policy_id)
        CfnOutput(self, "IndexFunction", value=self._index.function_arn)

    def _make_firewall(self) -> str:
        edge = self._environment_file.edge
        first = rate_limit_rule(edge.rate)
        acl = firewall(self, "Firewall", name=edge.firewall, scope="CLOUDFRONT", first=first)
        log_blocked_requests(self, "Firewall", acl, edge.firewall, RETENTION, "authorization")
        return acl.attr_arn

    def _behaviours(self, name: str, logged: s3.Bucket, api_domain: str) -> dict[str, cloudfront.BehaviorOptions]:
        """Return the behaviours by path; the first is the default."""
        api = api_behaviour(self._environment_file, api_domain, self._cache_policy, self._headers)
        if name == "api":
            return {"*": api}
        bucket = pages(self, name, logged)
        CfnOutput(self, f"{name.title()}Bucket", value=bucket.bucket_name)
        behaviours = {"*": pages_behaviour(bucket, self._index, self._headers)}
        if name == "app":
            # On the same host, the explorer needs no CORS.
            behaviours["/graphql"] = behaviours["/graphql/*"] = api
        return behaviours

    def _make(self, name: str, face: Distribution, logged: s3.Bucket, api_domain: str) -> str:
        behaviours = self._behaviours(name, logged, api_domain)
        assert face.certificate_arn is not None
        distribution = cloudfront.Distribution(
            self,
            name.title(),
            comment=f"StackFlow {name}, {self._environment_file.name}",
            default_behavior=behaviours.pop("*"),
            additional_behaviors=behaviours,
            domain_names=[face.domain],
            certificate=certificates.Certificate.from_certificate_arn(
                self, f"{name.title()}Certificate", face.certificate_arn
            ),
            minimum_protocol_version=cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021,
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
            default_root_object=None if name == "api" else "index.html",
            web_acl_id=self._firewall,
            price_class=cloudfront.PriceClass.PRICE_CLASS_100,
        )
        suppress(distribution, {
            "CFR1": "people of every country use StackFlow",
            "CFR3": "it is logged by a delivery of CloudWatch, whose fields are chosen, and not by the first version",
        })  # fmt: skip
        if self._access is None:
            self._access = AccessLogs(self, logged, self._environment_file.name)
        self._access.add(name, distribution)
        CfnOutput(self, f"{name.title()}Domain", value=distribution.distribution_domain_name)
        return distribution.distribution_id
