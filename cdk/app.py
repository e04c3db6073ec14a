"""The CDK app, run by `cdk deploy` or `python -m cdk.app cdk/environments/prod.toml`; no account, no network."""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from aws_cdk import App, CfnRule, CfnRuleAssertion, Fn, Stack, Tags, Validations
from aws_cdk import Environment as Place
from cdk_nag import AwsSolutionsChecks, NagPack

from cdk.bundle import ROOT, STUB, Bundle, BundleError, load_bundle, write_stub
from cdk.certificates import require_region
from cdk.edge.stack import Edge
from cdk.environment import Environment, NewEnvironment
from cdk.loader import EnvironmentFileError, load_environment
from cdk.network import Network
from cdk.serving.stack import Service
from cdk.stores.knowledge import Knowledge
from cdk.stores.stack import Stores
from cdk.watch.stack import Watch

ENVIRONMENTS = ROOT / "cdk" / "environments"


class FindingError(Exception):
    """The CDK or cdk-nag rejects the templates; the reasons are in validation-report.json in the output folder."""


def build(
    app: App,
    environment: Environment,
    bundle: Bundle,
    left_open: tuple[str, ...] = (),
    *,
    first: bool = False,
    unguarded: bool = False,
) -> dict[str, Stack]:
    """Build the stacks of an environment, in the order of deployment. Open keys prevent a deployment.

    With `first`, neither the stacks nor the clusters are protected, because a failed first deployment could otherwise
    not be rolled back. The command line protects a stack before it deploys it, so the next deployment adds the
    protection. With `unguarded`, the new version receives all calls at once, regardless of alarms.
    """
    place = Place(account=environment.account, region=environment.region)
    prefix = f"StackFlow-{environment.name}"
    protected = environment.name != "dev" and not first
    stacks: dict[str, Stack] = {}
    facts = None
    if isinstance(environment, NewEnvironment):
        network = Network(app, f"{prefix}-Network", environment_file=environment, place=place, protected=not first)
        stores = Stores(
            app, f"{prefix}-Stores", environment_file=environment, network=network, place=place, protected=not first
        )
        stacks |= {"Network": network, "Stores": stores}
        facts = stores.facts
        if environment.knowledge:
            knowledge = Knowledge(
                app,
                f"{prefix}-Knowledge",
                environment_file=environment,
                knowledge=environment.knowledge,
                sources=stores.sources,
                place=place,
            )
            stacks["Knowledge"] = knowledge
            facts = replace(facts, knowledge=knowledge.id, publication=knowledge.publication)
    service = Service(
        app,
        f"{prefix}-Service",
        environment_file=environment,
        facts=facts,
        bundle=bundle,
        place=place,
        protected=protected,
        unguarded=unguarded,
    )
    stacks["Service"] = service
    edge = Edge(
        app,
        f"{prefix}-Edge",
        environment_file=environment,
        api_domain=f"{service.gateway.rest_api_id}.execute-api.{environment.region}.amazonaws.com",
        # CloudFront accepts firewalls only from this region, whatever the region of the other stacks.
        place=Place(account=environment.account, region=environment.edge.region),
        protected=protected,
    )
    stacks["Edge"] = edge
    stacks["Watch"] = Watch(
        app,
        f"{prefix}-Watch",
        environment_file=environment,
        service=service,
        edge=edge,
        place=place,
        protected=protected,
    )
    for stack in stacks.values():
        if left_open:
            _block_deployment(stack, left_open)
    Tags.of(app).add("project", "stackflow")
    Tags.of(app).add("environment", environment.name)
    return stacks


def _block_deployment(stack: Stack, left_open: tuple[str, ...]) -> None:
    """Add a rule with which CloudFormation rejects templates with placeholders, however they are deployed."""
    CfnRule(
        stack,
        "LeftOpen",
        assertions=[
            CfnRuleAssertion(
                assert_=Fn.condition_equals(f"{len(left_open)} left open", "0 left open"),
                assert_description=f"left open in the environment file: {', '.join(left_open)}",
            )
        ],
    )


def feature_flags() -> dict[str, object]:
    """Return the feature flags of cdk.json, which the CDK loads by itself only from its own command line."""
    flags: dict[str, object] = json.loads((ROOT / "cdk.json").read_text())["context"]
    return flags


def switches() -> frozenset[str]:
    """Return the switches that are set by `-c first=true` on the CDK's command line."""
    context: dict[str, object] = json.loads(os.environ.get("CDK_CONTEXT_JSON", "{}"))
    return frozenset(name for name in ("first", "stub", "unguarded") if str(context.get(name)).lower() == "true")


def selected_file() -> Path:
    """Return the environment file named by the variable ENVIRONMENT. Raises EnvironmentFileError if it is not set."""
    name = os.environ.get("ENVIRONMENT")
    if not name:
        raise EnvironmentFileError("ENVIRONMENT: not set; name a file of cdk/environments: export ENVIRONMENT=dev")
    return ENVIRONMENTS / f"{name}.toml"


def synthesize(
    file: Path,
    out: Path,
    *,
    stubbed: bool = False,
    first: bool = False,
    unguarded: bool = False,
    checks: Sequence[Callable[[App], NagPack]] = (AwsSolutionsChecks,),
) -> Path:
    """Write the templates of an environment to a folder.

    Raises EnvironmentFileError, BundleError and FindingError.
    """
    loaded = load_environment(file)
    environment = loaded.environment
    with tempfile.TemporaryDirectory() as folder:
        if stubbed:
            bundle = write_stub(Path(folder))
        else:
            bundle = load_bundle(ROOT / environment.functions.bundle)
            require_region(bundle.path, environment.region)
        app = App(context=feature_flags(), outdir=str(out), analytics_reporting=False)
        zones = (
            environment.network.zones
            if isinstance(environment, NewEnvironment)
            else list(environment.network.private_subnets)
        )
        # A VPC looks up the zones of its account even if they are given; this context value avoids a call to AWS.
        app.node.set_context(f"availability-zones:account={environment.account}:region={environment.region}", zones)
        build(
            app,
            environment,
            bundle,
            (*loaded.open_keys, STUB) if stubbed else loaded.open_keys,
            first=first,
            unguarded=unguarded,
        )
        Validations.of(app).add_plugins(*(check(app) for check in checks))
        try:
            app.synth()
        except RuntimeError as error:
            # jsii raises this for every error of the CDK; the CDK has already printed its findings.
            raise FindingError(f"{out}: {str(error).partition(chr(10))[0]}") from error
    return out


def main(arguments: list[str] | None = None) -> int:
    """Run the command line. Returns 1, and prints the remedy, if a file or bundle cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m cdk.app", description=__doc__)
    parser.add_argument("file", type=Path, nargs="?", help="an environment file; that of $ENVIRONMENT by default")
    parser.add_argument("--out", type=Path, help="the output folder; $CDK_OUTDIR or cdk.out/<name> by default")
    parser.add_argument("--stub", action="store_true", help="without the bundle; the templates cannot be deployed")
    parser.add_argument("--first", action="store_true", help="for a first deploy: nothing is protected yet")
    parser.add_argument("--unguarded", action="store_true", help="new code gets all calls, regardless of alarms")
    options = parser.parse_args(arguments)
    stubbed = options.stub or "stub" in switches()
    first = options.first or "first" in switches()
    unguarded = options.unguarded or "unguarded" in switches()
    try:
        file = options.file or selected_file()
        # The CDK's command line reads the templates from $CDK_OUTDIR.
        out = options.out or Path(os.environ.get("CDK_OUTDIR") or ROOT / "cdk.out" / file.stem)
        synthesize(file, out, stubbed=stubbed, first=first, unguarded=unguarded)
    except (EnvironmentFileError, BundleError, FindingError) as error:
        print(error, file=sys.stderr)
        return 1
    print(out)
    left_open = load_environment(file).open_keys
    if left_open:
        print(
            f"{len(left_open)} left open: no deploy takes these templates;"
            f" `python -m cdk.check {file}` shows how to find each",
            file=sys.stderr,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
