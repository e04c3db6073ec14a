"""The entrance: `cdk deploy` runs it, or `python -m cdk.app cdk/environments/prod.toml`; no account, no network."""

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
    """The CDK or cdk-nag refuses the templates; validation-report.json beside them says why."""


def build(
    app: App,
    environment: Environment,
    bundle: Bundle,
    left_open: tuple[str, ...] = (),
    *,
    first: bool = False,
    unguarded: bool = False,
) -> dict[str, Stack]:
    """The stacks of an environment, in the order in which they are deployed. Keys left open keep them from it.

    The stacks of a first deploy are not protected, nor its clusters: a deploy that fails could not be undone else. The
    command line protects a stack before it deploys it, so the next deploy does so. An unguarded one gives all calls to
    the new version at once, whatever the alarms say.
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
                collection=environment.knowledge.collection,
                sources=stores.sources,
                place=place,
            )
            stacks["Knowledge"] = knowledge
            facts = replace(facts, knowledge=knowledge.id)
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
        # CloudFront takes firewalls from there alone, wherever the rest stands.
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
    """CloudFormation itself refuses a template with stand-ins, whoever hands it over."""
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
    """The feature flags of cdk.json, which the CDK reads by itself only under its own command line."""
    flags: dict[str, object] = json.loads((ROOT / "cdk.json").read_text())["context"]
    return flags


def switches() -> frozenset[str]:
    """Those that the CDK's command line turns on by `-c first=true`."""
    given: dict[str, object] = json.loads(os.environ.get("CDK_CONTEXT_JSON", "{}"))
    return frozenset(name for name in ("first", "stub", "unguarded") if str(given.get(name)).lower() == "true")


def selected_file() -> Path:
    """The file of the environment that the variable ENVIRONMENT names. EnvironmentFileError without one."""
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
    """Templates of an environment in a folder. EnvironmentFileError, BundleError, FindingError."""
    seen = load_environment(file)
    environment = seen.environment
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
        # A VPC asks for its account's zones even where they are given; the answer keeps it from asking AWS.
        app.node.set_context(f"availability-zones:account={environment.account}:region={environment.region}", zones)
        build(
            app,
            environment,
            bundle,
            (*seen.open_keys, STUB) if stubbed else seen.open_keys,
            first=first,
            unguarded=unguarded,
        )
        Validations.of(app).add_plugins(*(check(app) for check in checks))
        try:
            app.synth()
        except RuntimeError as error:
            # What jsii raises for whatever the CDK throws; the CDK has printed its findings.
            raise FindingError(f"{out}: {str(error).partition(chr(10))[0]}") from error
    return out


def main(arguments: list[str] | None = None) -> int:
    """The command line. 1 for a file or bundle that cannot be used, with what to do about it."""
    parser = argparse.ArgumentParser(prog="python -m cdk.app", description=__doc__)
    parser.add_argument("file", type=Path, nargs="?", help="an environment file; that of $ENVIRONMENT by default")
    parser.add_argument("--out", type=Path, help="where the templates go; $CDK_OUTDIR or cdk.out/<name> by default")
    parser.add_argument("--stub", action="store_true", help="without the bundle; what is written cannot be deployed")
    parser.add_argument("--first", action="store_true", help="for a first deploy: nothing is protected yet")
    parser.add_argument("--unguarded", action="store_true", help="new code gets all calls, whatever the alarms say")
    given = parser.parse_args(arguments)
    stubbed, first = given.stub or "stub" in switches(), given.first or "first" in switches()
    unguarded = given.unguarded or "unguarded" in switches()
    try:
        file = given.file or selected_file()
        # The CDK's command line reads what it asked for there.
        out = given.out or Path(os.environ.get("CDK_OUTDIR") or ROOT / "cdk.out" / file.stem)
        synthesize(file, out, stubbed=stubbed, first=first, unguarded=unguarded)
    except (EnvironmentFileError, BundleError, FindingError) as error:
        print(error, file=sys.stderr)
        return 1
    print(out)
    left_open = load_environment(file).open_keys
    if left_open:
        print(
            f"{len(left_open)} left open: no deploy takes these templates;"
            f" `python -m cdk.check {file}` tells how to find each",
            file=sys.stderr,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
