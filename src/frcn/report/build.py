"""From artefacts to ``results/<profile>/``: tables, claims, figures and the page."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from frcn.artefacts import read_json, write_bytes, write_text
from frcn.data.voc import VOCDataset
from frcn.report import figures, proposal_figures
from frcn.report.cells import CellRuns, Cells, cells_frame, read_cells
from frcn.report.chart import Picture, save
from frcn.report.claims import judge
from frcn.report.claims_table import claims_table
from frcn.report.comparison import compare
from frcn.report.drawing import jpeg
from frcn.report.main_table import main_table
from frcn.report.page import Image, render_page
from frcn.report.paper import Paper, load_paper
from frcn.report.proposal_tables import proposal_time_table, proposals_table, recall_table
from frcn.report.provenance import provenance
from frcn.report.recalls import read_recalls
from frcn.report.samples import detection_samples, training_sheet
from frcn.report.systems import systems_table, training_phases_table
from frcn.report.table import Table, write_csv
from frcn.report.tables import build_tables, common_footnotes
from frcn.report.timing import read_timings, sgd_steps_table, timing_frame, timing_table
from frcn.report.timing_figure import timing
from frcn.report.training_noise import training_noise_table
from frcn.timing.measurements import Timing

OWNED = (
    "cells*.csv",
    "claims*.csv",
    "claims*.md",
    "table_*.csv",
    "table_*.md",
    "timing*.csv",
    "report*.html",
)


@dataclass(frozen=True)
class _Source:
    """Where things are read from, and what was found of the cells."""

    cells: Cells
    artefacts: Path
    data: Path
    proposal_times: pd.DataFrame | None
    timings: list[Timing]
    paper: Paper

    def dataset(self, split: str) -> VOCDataset | None:
        """A split of the profile's data, or None when the data has not been fetched."""
        config = next(iter(self.cells.cells.values())).config.data
        if split not in config.splits or not self.data.exists():
            return None
        return VOCDataset(self.data, config.splits[split], config.classes, split)

    @cached_property
    def test_split(self) -> VOCDataset | None:
        return self.dataset(next(iter(self.cells.cells.values())).config.test.split)

    @property
    def default(self) -> CellRuns | None:
        """The cell ``default`` of the largest network."""
        return self.cells.get(self.cells.networks[-1], "default")


def build(
    profile_name: str,
    configs: Path,
    artefacts: Path,
    paper: Path,
    data: Path,
    benchmarks: Path,
    seeds: Sequence[int],
    out: Path,
    noise_seeds: Sequence[int] = (),
    repeated: Collection[str] = (),
) -> None:
    """Write the report of a profile; what an earlier build left and this one lacks is removed.

    Args:
        profile_name: ``mini``, ``bccd``, …
        configs: holds ``<profile>/<cell>.yaml``, resolved.
        artefacts: holds ``<profile>/{train,detect,score,recall}``, and may hold
            ``timing/<network>.json``.
        paper: ``conf/paper``, the published numbers.
        data: holds ``<profile>/``, the VOC tree with ``manifest.json``.
        benchmarks: may hold ``proposals-<profile>.csv``, which a benchmark writes.
        seeds: the seeds that count; artefacts of others are ignored.
        out: ``results/<profile>``.
        noise_seeds: further seeds of some experiments, for the noise of training.
        repeated: these experiments.

    Raises:
        UserError: a config or an artefact is damaged. What is merely missing is "not run".
    """
    source = _Source(
        cells=read_cells(profile_name, configs, artefacts, seeds, noise_seeds, repeated),
        artefacts=Path(artefacts) / profile_name,
        data=Path(data) / profile_name,
        proposal_times=_read_times(Path(benchmarks) / f"proposals-{profile_name}.csv"),
        timings=read_timings(Path(artefacts) / "timing"),
        paper=load_paper(paper),
    )
    out = Path(out)
    recalls = read_recalls(source.artefacts / "recall", source.cells)
    tables = _tables(source, recalls)
    rulings = judge(source.paper.claims, source.cells, source.timings, source.proposal_times)
    ledger = claims_table(rulings, source.paper.claims.noise)
    written = _write_tables(out, source, ledger, tables)
    images = _write_images(out, source, recalls)
    written |= {out / image.path for image in images} | _write_samples(out, source)
    page = render_page(
        profile_name,
        ledger,
        tables,
        images,
        out,
        provenance(source.cells),
        source.cells.classes,
        compare(source.cells, source.test_split),
    )
    write_text(out / "report.html", page)
    _remove_stale(out, written | {out / "report.html"})


def _read_times(path: Path) -> pd.DataFrame | None:
    """What ``benchmarks/proposals.py`` measured; None where it was not run."""
    words = {"width": str, "seconds_of_pictures": str}
    return pd.read_csv(path, dtype=words) if path.exists() else None


def _tables(source: _Source, recalls: pd.DataFrame) -> list[Table]:
    cells, paper = source.cells, source.paper
    footnotes = common_footnotes(cells, _skipped(source.data / "manifest.json"))
    timings = source.timings
    tables = [
        systems_table(cells, paper.systems, footnotes),
        main_table(cells, paper.main, footnotes),
        training_noise_table(cells, paper.claims.noise, footnotes[1:]),
        *build_tables(cells, paper.tables, footnotes),
        proposals_table(cells, paper.proposals, footnotes),
    ]
    if len(recalls):
        tables.append(recall_table(recalls, footnotes[1:]))
    if source.proposal_times is not None:
        tables.append(proposal_time_table(source.proposal_times, paper.proposals, footnotes[1:]))
    tables += [
        training_phases_table(cells, paper.systems, footnotes[1:]),
        timing_table(timings, paper.systems) if timings else None,
        sgd_steps_table(timings),
    ]
    return [table for table in tables if table]


def _skipped(manifest: Path) -> int | None:
    """How many objects and images ``fetch`` dropped; None without a manifest."""
    return len(read_json(manifest).get("skipped", [])) if manifest.exists() else None


def _write_tables(out: Path, source: _Source, ledger: Table, tables: list[Table]) -> set[Path]:
    frames = {"cells.csv": cells_frame(source.cells), "claims.csv": ledger.frame}
    if source.timings:
        frames["timing.csv"] = timing_frame(source.timings)
    for name, frame in frames.items():
        write_csv(out / name, frame)
    write_text(out / "claims.md", ledger.markdown())
    written = {out / name for name in (*frames, "claims.md")}
    for table in tables:
        table.write(out)
        written |= {out / f"table_{table.name}.csv", out / f"table_{table.name}.md"}
    return written


def _write_images(out: Path, source: _Source, recalls: pd.DataFrame) -> list[Image]:
    images = []
    for chart in _charts(source, recalls):
        path = Path("figures") / f"{chart.name}.png"
        save(chart.figure, out / path)
        images.append(Image(path, chart.caption, chart.alt, "chart" if chart.on_page else "file"))
    train = source.dataset(source.default.config.train.splits[0]) if source.default else None
    if train:
        path = Path("figures") / "contact_sheet.jpg"
        write_bytes(out / path, jpeg(training_sheet(train)))
        caption = f"Pictures evenly spaced through the training split ({len(train)} pictures)."
        alt = "Contact sheet: training pictures with their boxes."
        images.append(Image(path, caption, alt, "sheet"))
    return images


def _charts(source: _Source, recalls: pd.DataFrame) -> list[Picture]:
    cells, paper = source.cells, source.paper
    was_run = any(cell.runs for cell in cells.cells.values())
    charts = _charts_of_runs(cells, paper, recalls) if was_run else []
    charts += [timing(measured, paper.systems) for measured in source.timings]
    return [chart for chart in charts if chart]


def _charts_of_runs(cells: Cells, paper: Paper, recalls: pd.DataFrame) -> list[Picture | None]:
    charts = [figures.map_of_all(cells)]
    charts += [proposal_figures.proposals(cells, paper.proposals, n) for n in cells.swept_networks]
    charts += [proposal_figures.recalls(recalls)] if len(recalls) else []
    charts.append(figures.loss_curves(cells))
    for network in cells.networks:
        default = cells.get(network, "default")
        if default:
            charts.append(figures.precision_recall(default, cells.classes))
            charts.append(figures.error_kinds(default, cells.classes))
    return charts


def _write_samples(out: Path, source: _Source) -> set[Path]:
    """Detections of ``default`` on test pictures, as files: the page draws its own."""
    if source.default is None or source.test_split is None:
        return set()
    written = set()
    for sample in detection_samples(source.default, source.test_split):
        path = out / "figures" / f"sample_{sample.kind}.jpg"
        write_bytes(path, jpeg(sample.picture))
        written.add(path)
    return written


def _remove_stale(out: Path, written: set[Path]) -> None:
    """Remove files of earlier builds, and the temporary ones that a killed build left."""
    found = {path for pattern in OWNED for path in (*out.glob(pattern), *out.glob(f".{pattern}"))}
    found |= set((out / "figures").glob("*")) | set((out / "figures").glob(".*"))
    for path in found - written:
        path.unlink()
