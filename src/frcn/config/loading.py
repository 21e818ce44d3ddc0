"""From values or a file to a model: all problems in one message."""

from pathlib import Path

import yaml
from pydantic import ValidationError

from frcn.config.strict import Model
from frcn.errors import UserError


def validate(model: type[Model], values: object, where: str) -> Model:
    """Validate ``values`` against ``model``, all problems in one message.

    Raises:
        UserError: with one line per bad key: the key, what was found, what was wanted.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        lines = [f"{where}: {error.error_count()} problem(s) in the config"]
        for problem in error.errors():
            key = ".".join(str(part) for part in problem["loc"]) or "(whole)"
            if problem["type"] == "extra_forbidden":
                lines.append(f"  {key}: unknown key; remove it or mend its spelling")
            else:
                lines.append(f"  {key}: {problem['msg']}, found {problem['input']!r:.80}")
        raise UserError("\n".join(lines)) from None


def load(model: type[Model], path: Path) -> Model:
    """Read and validate a resolved YAML file.

    Raises:
        UserError: the file is missing, is no YAML, or has bad values.
    """
    try:
        values = yaml.safe_load(Path(path).read_text())
    except FileNotFoundError:
        raise UserError(f"{path}: not found. `dvc repro` makes it from conf/.") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not valid YAML: {error}") from None
    return validate(model, values, str(path))
