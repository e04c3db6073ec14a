#!/bin/sh
# Checks the types of GraphiQL's page and builds it into explorer/dist; runs in explorer/ with its npm packages.
set -eu

node node_modules/typescript/bin/tsc --noEmit
node node_modules/vite/bin/vite.js build --mode graphiql --logLevel warn
