"""Stage ``proposals``: ranked boxes of every image of every split, and what they cover."""

from pathlib import Path

from frcn.config import ProfileProposals, load
from frcn.data.voc import open_split
from frcn.proposals.compute import compute_proposals, recall_table, write_recall
from frcn.workers import available_cpus
from pipelines.stage import run

# By content of the picture and recipe; survives DVC's deletion of the outs.
CACHE = Path("artefacts/cache/proposals")


def proposals(config: Path, out: Path, recall: Path) -> None:
    """Compute one list of a profile's proposals and print its recall."""
    profile = load(ProfileProposals, config)
    rows = []
    for split in profile.data.splits:
        dataset = open_split(profile.data, split)
        store = compute_proposals(
            dataset, profile.proposals, out / f"{split}.npy", CACHE, available_cpus()
        )
        rows += recall_table(dataset, store)
    write_recall(recall, rows)
    for row in rows:
        if row["group"] == "all":
            print("  ".join(f"{key} {value}" for key, value in row.items() if key != "group"))


if __name__ == "__main__":
    run(proposals, config=Path, out=Path, recall=Path)
