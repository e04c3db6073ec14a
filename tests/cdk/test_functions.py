"""Functions: size, place, variables, what wakes them."""

from tests.cdk.templates import Synth

SUFFIXES = {
    "": ("app.handler", 300),
    "-events": ("workers.events.handler", 120),
    "-projector": ("workers.projection.handler", 58),
    "-workflows": ("workers.workflows.handler", 58),
    "-migrations": ("workers.migrations.handler", 900),
}


def test_each_function_is_as_documented(prod: Synth) -> None:
    for suffix, (handler, seconds) in SUFFIXES.items():
        function = prod.function(suffix)
        assert function["Handler"] == handler
        assert function["Timeout"] == seconds
        assert function["MemorySize"] == 1792
        assert function["Runtime"] == "python3.13"
        assert function["Architectures"] == ["arm64"]
        assert function["TracingConfig"] == {"Mode": "Active"}
        assert function["LoggingConfig"]["LogFormat"] == "JSON"
        assert function["VpcConfig"] == {
            "SecurityGroupIds": ["sg-0ada825cda6a75ed6"],
            "SubnetIds": ["subnet-05eae5f255dec054f", "subnet-03ab773ce82d704d1"],
        }
