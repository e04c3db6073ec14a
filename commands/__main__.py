"""`python -m commands`: the command line of a checkout that has moved since it was installed."""

from commands.entry import run

run()
