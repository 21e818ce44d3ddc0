"""Tables about proposals: the points of the figure, what lists cover, how long methods take."""

from collections.abc import Sequence

import pandas as pd

from frcn.report import table
from frcn.report.cells import Cells
from frcn.report.paper import ProposalsTable
from frcn.report.recalls import RECALLS
from frcn.report.table import EMPTY, Table, rounded
from frcn.report.tables import comparability, our_numbers, our_words

PROPOSALS_NETWORK = "M"
"""The network of the paper's proposal figure."""
COVERED = {
    "boxes_per_image": "boxes per image",
    **{measure: RECALLS[measure] for measure in ("average_recall", "recall_50")},
}
RECALL_COUNTS = ("100", "300", "1000", "all")


def proposals_table(cells: Cells, paper: ProposalsTable, footnotes: Sequence[str]) -> Table:
    """The points of the proposal figure: mAP beside what the boxes of the test images cover."""
    frame_rows, rows = [], []
    for network in cells.swept_networks:
        for row in paper.rows:
            cell = cells.get(network, row.experiment)
            names = {"scheme": row.scheme, "setting": row.setting, "experiment": row.experiment}
            names["network"] = network
            covered = {measure: cell and cell.mean(measure) for measure in COVERED}
            ours = our_numbers(cell, ["map"], network)
            frame_rows.append(
                {
                    **names,
                    f"paper_map_{PROPOSALS_NETWORK}": row.paper,
                    **{f"ours_{name}": rounded(value) for name, value in covered.items()},
                    **{key.removesuffix(f"_{network}"): value for key, value in ours.items()},
                }
            )
            rows.append(
                [
                    *names.values(),
                    table.percent(row.paper),
                    our_words(cell, "map"),
                    *(table.percent(value) for value in covered.values()),
                ]
            )
    return Table(
        name="proposals",
        title=paper.title,
        source=paper.source,
        frame=pd.DataFrame(frame_rows),
        headers=[
            "proposals",
            "boxes, paper's scale",
            "experiment",
            "network",
            f"paper {PROPOSALS_NETWORK}: mAP",
            "ours: mAP",
            *COVERED.values(),
        ],
        rows=rows,
        notes=[*comparability(cells), *paper.notes, *footnotes],
        words=("proposals", "boxes, paper's scale", "experiment", "network"),
    )


def recall_table(recalls: pd.DataFrame, footnotes: Sequence[str]) -> Table:
    """What each proposal list covers of the test split, per class and size of object.

    Args:
        recalls: as ``read_recalls`` gives them.
    """
    shown = [count for count in RECALL_COUNTS if count in set(recalls["count"])]
    rows = []
    for (name, group), rows_of in recalls.groupby(["list", "group"], sort=False):
        of_count = rows_of.set_index("count")
        words = [
            " / ".join(table.percent(of_count.loc[count, measure]) for measure in RECALLS)
            for count in shown
        ]
        rows.append([name, group, str(of_count["objects"].iloc[0]), *words])
    return Table(
        name="recall",
        title="What the proposals cover",
        source="",
        frame=recalls,
        headers=[
            "proposals",
            "objects",
            "number",
            *(count if count == "all" else f"first {count}" for count in shown),
        ],
        rows=rows,
        notes=[
            "Recall at IoU 0.5 / at IoU 0.7 / average recall, in percent, of the test split's "
            "objects that are not difficult.",
            "Small objects have an area below 32², large ones of 96² pixels or more.",
            *footnotes,
        ],
        words=("proposals", "objects"),
    )


def proposal_time_table(
    times: pd.DataFrame, paper: ProposalsTable, footnotes: Sequence[str]
) -> Table:
    """How long each proposal method takes for a picture, and what its boxes cover.

    Args:
        times: columns of ``benchmarks/results/proposals-<profile>.csv``, all rows of one run.
        paper: has the published seconds.
        footnotes: end the notes.
    """
    of_width = {
        width: rows.set_index("method") for width, rows in times.groupby("width", sort=False)
    }
    labels = {width: f"{width} px" if width.isdigit() else f"{width} size" for width in of_width}
    rows = []
    for method in times["method"].unique():
        published = paper.seconds.get(method)
        words = [method, EMPTY if published is None else f"{published:g}"]
        for rows_of in of_width.values():
            row = rows_of.loc[method]
            covered = " / ".join(table.percent(row[measure]) for measure in RECALLS)
            words += [f"{row['seconds']:.3g}", f"{row['boxes']:.0f}", covered]
        rows.append(words)
    pictures = ", ".join(
        f"{rows_of['pictures'].iloc[0]} at {labels[width]}" for width, rows_of in of_width.items()
    )
    origin = times.iloc[0]
    return Table(
        name="proposal_time",
        title="How long proposals take",
        source="slides, proposal times",
        frame=times.assign(paper_seconds=times["method"].map(paper.seconds)),
        headers=[
            "method",
            "paper: s",
            *(
                f"{label}: {measure}"
                for label in labels.values()
                for measure in ("s", "boxes", "R@.5 / R@.7 / AR")
            ),
        ],
        rows=rows,
        notes=[
            f"One thread of {origin['machine']}, OpenCV {origin['opencv']}, {origin['date']}; all "
            "methods in one run.",
            f"Means over test pictures, evenly spread through the split: {pictures}. Boxes of "
            "resized pictures are scaled back.",
            "OpenCV's selective search has its own default k, which is larger than ours.",
            "Recall at IoU 0.5 / at IoU 0.7 / average recall by all boxes, in percent, of these "
            "pictures' objects that are not difficult. Widths of unlike numbers of pictures don't "
            "compare.",
            "The published seconds are of other pictures, another machine and the authors' own "
            "code, in which EdgeBoxes takes its edges from Structured Forests.",
            *footnotes,
        ],
        words=("method",),
    )
