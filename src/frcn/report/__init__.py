"""The report: tables with the paper's numbers beside ours, claims with verdicts, figures, a page.

:func:`frcn.report.build.build` writes a profile's results folder;
:func:`frcn.report.readme.update_readme` carries it into the README. Both are imported from where
they are: whoever wants a name of a run must not wait for the figures' library.
"""
