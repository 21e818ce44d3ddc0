"""The detections of an unfinished test split, in parts on disk.

A part holds what was kept of some images in a row, behind its SHA-256, and is whole or absent; a
killed test goes on after the last one.
"""

import io
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from frcn.artefacts import sha256, sha256_json, write_bytes
from frcn.systems.detection_collector import DetectionCollector

IMAGES = 20
"""Images of a part."""
HASH = len(sha256(b""))


class DetectionParts:
    """Saves and restores a collector.

    ``key`` is JSON-able, all that decides the detections: config, weights, pictures, boxes (code
    is not in it). Parts of another key belong to an older test and are removed.
    """

    def __init__(self, folder: Path, key: object, collector: DetectionCollector) -> None:
        self._folder = Path(folder)
        self._own = self._folder / sha256_json(key)[:16]
        self._collector = collector
        self._saved = 0
        for other in self._folder.glob("*"):
            if other != self._own:
                shutil.rmtree(other)

    def save(self, images: int, totals: Mapping[str, object]) -> None:
        """Keep the images since the last part, up to ``images``, and JSON-able sums over all."""
        kept = self._collector.kept_since(self._saved)
        content = io.BytesIO()
        np.savez(content, totals=np.array(json.dumps(totals)), **kept)
        data = content.getvalue()
        write_bytes(self._part(images), sha256(data).encode() + data)
        self._saved = images

    def restore(self, image_ids: list[str]) -> tuple[int, dict]:
        """Images done and the sums over them; (0, {}) when there is nothing to go on from.

        A damaged part counts as absent, with those after it.
        """
        totals: dict = {}
        while (part := self._part(self._saved + IMAGES)).exists():
            content = part.read_bytes()
            if sha256(content[HASH:]).encode() != content[:HASH]:
                break
            with np.load(io.BytesIO(content[HASH:])) as file:
                counts, rows, text = file["counts"], file["rows"], str(file["totals"])
            ids = image_ids[self._saved : self._saved + IMAGES]
            self._collector.restore(ids, counts, rows)
            self._saved += IMAGES
            totals = json.loads(text)
        return self._saved, totals

    def remove(self) -> None:
        """Forget the parts: the detections are complete and safe."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _part(self, images: int) -> Path:
        return self._own / f"{images}.part"
