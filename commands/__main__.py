"""`python -m commands`: the command line, also in a checkout that was moved after its installation."""

from commands.entry import run

run()
