"""Entry point of `stackflow`. It imports the commands lazily, so that Ctrl-C during their import shows no traceback."""


def run() -> None:
    """Run the command line. Errors that a user can fix become one line without a traceback; Ctrl-C exits with 130.

    Typer handles Ctrl-C in the same way, without a message.
    """
    try:
        from commands.exit_codes import report_errors
        from commands.main import application

        with report_errors():
            application()
    except KeyboardInterrupt:
        raise SystemExit(130) from None
