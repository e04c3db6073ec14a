"""The AWS deployment, synthesized without account or network. Run by `make deploy-check`, in an environment of its own."""
