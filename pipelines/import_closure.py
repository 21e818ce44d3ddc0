"""Which of the project's files a module imports, directly or not, found without importing.

A stage of dvc.yaml depends on all of them: ``python -m pipelines.import_closure train``.
"""

import ast
import sys
from pathlib import Path

REPO = Path(__file__).parents[1]
ROOTS = {"frcn": REPO / "src/frcn", "pipelines": REPO / "pipelines"}


def import_closure(module: str) -> set[str]:
    """Files, relative to the repository, of a module and all that it imports of the project.

    Imports inside functions count, and so do the packages that a module lies in. Files with
    nothing but a docstring are left out: they decide nothing.
    """
    seen: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = _file(name)
        if path is None or name in seen:
            continue
        seen[name] = path
        waiting += _imported(path)
        waiting += [name.rsplit(".", 1)[0]] if "." in name else []
    return {str(path.relative_to(REPO)) for path in seen.values() if _has_code(path)}


def _has_code(path: Path) -> bool:
    return len(ast.parse(path.read_text()).body) > 1


def _file(name: str) -> Path | None:
    first, *rest = name.split(".")
    if first not in ROOTS:
        return None
    path = ROOTS[first].joinpath(*rest)
    candidates = (path / "__init__.py", path.parent / f"{path.name}.py")
    return next((found for found in candidates if found.exists()), None)


def _imported(path: Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports are not followed"
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return names


if __name__ == "__main__":
    print("\n".join(sorted(import_closure(f"pipelines.{sys.argv[1]}"))))
