"""The report: tables with the paper's numbers beside ours, claims with verdicts, figures, a page.

:func:`build` writes a profile's results folder; :func:`format_tables` prints it;
:func:`update_readme` carries it into the README.
"""

from frcn.report.build import build
from frcn.report.readme import readme_drifted, update_readme
from frcn.report.tables import format_tables

__all__ = ["build", "format_tables", "readme_drifted", "update_readme"]
