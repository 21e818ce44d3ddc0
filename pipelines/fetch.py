"""Stage ``fetch``: a checked VOC devkit tree with its manifest under data/<profile>."""

from pathlib import Path

from frcn.config import Profile, load
from frcn.data.fetch import fetch as fetch_data
from frcn.workers import available_cpus
from pipelines.stage import run


def fetch(config: Path, out: Path) -> None:
    """Generate, copy or download a profile's data, and check it."""
    manifest = fetch_data(load(Profile, config), Path(), out, workers=available_cpus())
    for name, split in manifest["splits"].items():
        print(f"{name}: {split['images']} images, {split['objects']} objects")
    for skipped in manifest["skipped"]:
        print(f"left out: {skipped['file']}, {skipped['object']}: {skipped['problem']}")


if __name__ == "__main__":
    run(fetch, config=Path, out=Path)
