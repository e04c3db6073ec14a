"""Entry point of `stackflow`. It imports the commands late, so that Ctrl-C during their import shows no traceback."""


def run() -> None:
    """Run the command line. What a user can mend becomes one line without a traceback; Ctrl-C exits with 130.

    Typer ends on Ctrl-C in the same way, without a word.
    """
    try:
        from commands.exit_codes import report_errors
        from commands.main import application

        with report_errors():
            application()
    except KeyboardInterrupt:
        raise SystemExit(130) from None
