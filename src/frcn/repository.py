"""The one bridge from the library to the repository around it: package ``pipelines``.

``frcn plan`` and ``frcn list`` ask about the DVC graph and the configs that Hydra composes; both
are known to ``pipelines`` alone, which is not installed and lies in the repository's root.
"""

import importlib
import sys
from pathlib import Path
from types import ModuleType

from frcn.errors import UserError


def pipelines_module(name: str) -> ModuleType:
    """Module ``pipelines.<name>`` of the repository whose root is the current folder.

    Raises:
        UserError: the current folder is no root of the repository.
    """
    root = Path.cwd()
    if not all((root / file).is_file() for file in ("dvc.yaml", f"pipelines/{name}.py")):
        raise UserError(f"{root}: not the root of the frcn repository; run it there")
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    return importlib.import_module(f"pipelines.{name}")
