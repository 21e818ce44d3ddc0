"""The one exception for problems that the user can mend."""


class UserError(Exception):
    """Bad input: names the file, what was found, what was wanted and the remedy.

    Entry points print the message without a traceback and exit with status 2.
    """
