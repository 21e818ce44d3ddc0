"""The report: tables with the paper's numbers beside ours, claims with verdicts, figures, a page.

:func:`build` writes a profile's results folder; :func:`update_readme` carries it into the
README.
"""

from frcn.report.build import build
from frcn.report.readme import readme_drifted, update_readme

__all__ = ["build", "readme_drifted", "update_readme"]
