"""The one exception for problems that the user can mend, and the status of an interrupted run."""

INTERRUPTED = 130
"""Exit status of what Ctrl-C ended, as of a process that the signal killed."""


class UserError(Exception):
    """Bad input: names the file, what was found, what was wanted and the remedy.

    Entry points print the message without a traceback and exit with status 2.
    """
