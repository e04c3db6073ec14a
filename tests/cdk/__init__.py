"""The AWS deployment, synthesized without account or network. `make deploy-check` runs these."""
