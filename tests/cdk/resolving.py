"""References of templates as AWS would resolve them: names where the template gives them, stand-ins elsewhere."""

import re
from collections.abc import Mapping
from typing import Any

from tests.cdk.templates import Synth

NAMES = (
    "FunctionName", "QueueName", "TopicName", "Name", "RoleName", "LogGroupName", "RuleName", "AliasName",
    "DBClusterIdentifier",
)  # fmt: skip
# The version that a deploy publishes.
VERSION = "7"


class Resolver:
    """Of one environment. KeyError for what no template holds."""

    def __init__(self, synth: Synth) -> None:
        self.account, self.region = synth.environment.account, synth.environment.region
        self._synth = synth
        self._exports = {
            output["Export"]["Name"]: (stack, output["Value"])
            for stack, template in synth.templates.items()
            for output in template.get("Outputs", {}).values()
            if "Export" in output
        }

    def text(self, value: object, stack: str) -> str:
        """A value that AWS takes as text."""
        match value:
            case {"Ref": str() as id_} if id_.startswith("AWS::"):
                pseudo = {"Partition": "aws", "Region": self.region, "AccountId": self.account}
                pseudo["URLSuffix"] = "amazonaws.com"
                return pseudo[id_.removeprefix("AWS::")]
            case {"Ref": id_}:
                return self._ref(id_, stack)
            case {"Fn::GetAtt": [id_, attribute]}:
                return self._attribute(id_, attribute, stack)
            case {"Fn::Join": [separator, parts]}:
                return str(separator).join(self.text(part, stack) for part in parts)
            case {"Fn::ImportValue": name}:
                where, exported = self._exports[name]
                return self.text(exported, where)
            case _:
                assert not isinstance(value, dict), value
                return str(value)

    def whole(self, value: Any, stack: str) -> Any:
        """The same, of all that a structure holds."""
        if isinstance(value, list):
            return [self.whole(each, stack) for each in value]
        if not isinstance(value, Mapping):
            return value
        if len(value) == 1 and next(iter(value)).startswith(("Fn::", "Ref")):
            return self.text(value, stack)
        return {name: self.whole(each, stack) for name, each in value.items()}

    def _name(self, id_: str, stack: str) -> str:
        properties = self._resource(id_, stack).get("Properties", {})
        given = [properties[name] for name in NAMES if name in properties]
        return self.text(given[0], stack) if given else f"{stack}-{id_}"

    def _ref(self, id_: str, stack: str) -> str:
        resource = self._resource(id_, stack)
        name = self._name(id_, stack)
        match resource["Type"]:
            case "AWS::SQS::Queue":
                return f"https://sqs.{self.region}.amazonaws.com/{self.account}/{name}"
            case "AWS::Lambda::Version":
                return f"{self.text(resource['Properties']['FunctionName'], stack)}:{VERSION}"
            case "AWS::S3::Bucket":
                # It knows no capitals.
                return name.lower()
            case "AWS::SecretsManager::Secret" | "AWS::SNS::Topic" | "AWS::Lambda::Alias":
                return self._arn(id_, stack)
            case _:
                return name

    def _attribute(self, id_: str, attribute: str, stack: str) -> str:
        type_ = self._resource(id_, stack)["Type"]
        match type_, attribute:
            case _, "Arn":
                return self._arn(id_, stack)
            case "AWS::SQS::Queue", "QueueName":
                return self._name(id_, stack)
            case "AWS::Lambda::Version", "Version":
                return VERSION
            case _, "DBClusterResourceId" | "ClusterResourceId":
                return "cluster-" + re.sub("[^A-Z0-9]", "", id_.upper())
            case "AWS::Bedrock::ApplicationInferenceProfile", "InferenceProfileArn":
                return f"arn:aws:bedrock:{self.region}:{self.account}:application-inference-profile/{id_.lower()}"
            case "AWS::Bedrock::ApplicationInferenceProfile", "InferenceProfileId":
                return id_.lower()
            case _, "KnowledgeBaseId" | "DataSourceId":
                return id_.upper()[:10].ljust(10, "0")
            case _, "MasterUserSecret.SecretArn":
                return f"arn:aws:secretsmanager:{self.region}:{self.account}:secret:rds!{id_}"
            case _:
                # A host, mostly, which knows no case.
                return f"{stack}-{id_}-{attribute}".lower()

    def _arn(self, id_: str, stack: str) -> str:
        resource, name = self._resource(id_, stack), self._name(id_, stack)
        service = resource["Type"].split("::")[1].lower()
        here = f"{self.region}:{self.account}"
        match service, resource["Type"].rpartition(":")[2]:
            case "sqs" | "sns", _:
                return f"arn:aws:{service}:{here}:{name}"
            case "lambda", "Alias":
                function = self.text(resource["Properties"]["FunctionName"], stack)
                return f"arn:aws:lambda:{here}:function:{function}:{name}"
            case "s3", _:
                return f"arn:aws:s3:::{name.lower()}"
            case "iam", _:
                return f"arn:aws:iam::{self.account}:role/{name}"
            case "logs", _:
                return f"arn:aws:logs:{here}:log-group:{name}:*"
            case _, kind:
                return f"arn:aws:{service}:{here}:{kind.lower()}:{name}"

    def _resource(self, id_: str, stack: str) -> dict[str, Any]:
        found: dict[str, Any] = self._synth.templates[stack]["Resources"][id_]
        return found
