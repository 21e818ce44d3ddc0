"""The console command ``frcn``.

A subcommand is an entry of ``COMMANDS``: its help, what adds its arguments, and what runs it.
Imports stand inside the functions that need them, so that ``frcn --help`` answers at once.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from frcn.errors import INTERRUPTED, UserError

DEMO_CONFIG = Path("configs/mini/XS-default.yaml")
DEMO_WEIGHTS = Path("artefacts/mini/train/XS-default-0/weights.safetensors")


@dataclass(frozen=True)
class Command:
    """A subcommand; ``run`` raises UserError for what the user can mend."""

    help: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], None]


def _score_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--results",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder of comp4_det_<set>_<class>.txt",
    )
    parser.add_argument(
        "--voc",
        type=Path,
        required=True,
        metavar="TREE",
        help="VOC devkit tree (…/VOCdevkit/VOC2007); no pictures needed",
    )
    parser.add_argument(
        "--set", metavar="SET", help="image set (default: the one in the names of the files)"
    )
    parser.add_argument(
        "--classes",
        nargs="+",
        metavar="CLASS",
        help="classes to score (default: those in the names of the files)",
    )


def _score(arguments: argparse.Namespace) -> None:
    from frcn.evaluation.result_files import find_image_set  # noqa: PLC0415
    from frcn.evaluation.score import format_evaluation, score_result_files  # noqa: PLC0415

    image_set = arguments.set or find_image_set(arguments.results)
    evaluation, not_scored = score_result_files(
        arguments.results, arguments.voc, image_set, arguments.classes
    )
    print(format_evaluation(evaluation))
    if not_scored:
        print(f"Not scored, though {image_set} has objects of them: {', '.join(not_scored)}.")


def _convert_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--caffemodel", type=Path, required=True, metavar="FILE", help="the original's weights"
    )
    parser.add_argument(
        "--network",
        choices=("S", "M", "L"),
        required=True,
        help="CaffeNet, VGG_CNN_M_1024 or VGG16",
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help="the safetensors file to write",
    )
    parser.add_argument(
        "--classes",
        type=int,
        metavar="N",
        help="classes of a Fast R-CNN detector with the background, 21 for VOC"
        " (default: the file is an ImageNet network, of which all but fc8 is taken)",
    )


def _convert(arguments: argparse.Namespace) -> None:
    from frcn.caffe.convert import convert  # noqa: PLC0415

    layers = convert(arguments.caffemodel, arguments.network, arguments.out, arguments.classes)
    print(f"{arguments.caffemodel}: {', '.join(layers)} -> {arguments.out}")


def _demo_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pictures", nargs="+", type=Path, metavar="IMAGE", help="image files")
    parser.add_argument(
        "--config",
        type=Path,
        metavar="YAML",
        help=f"resolved config of the cell; needs --weights (default: {DEMO_CONFIG})",
    )
    parser.add_argument(
        "--weights",
        type=Path,
        metavar="FILE",
        help=f"what the cell trained; needs --config (default: {DEMO_WEIGHTS})",
    )
    parser.add_argument("--proposals", action="store_true", help="draw the proposals too")
    parser.add_argument(
        "--threshold",
        type=float,
        default=0.5,
        metavar="SCORE",
        help="least score that is drawn (default: %(default)s)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("demo"),
        metavar="DIR",
        help="folder of the drawings (default: %(default)s)",
    )


def _demo(arguments: argparse.Namespace) -> None:
    from frcn.config import Cell, load  # noqa: PLC0415
    from frcn.demo import demo  # noqa: PLC0415

    if (arguments.config is None) != (arguments.weights is None):
        raise UserError("--config and --weights belong together; give both or neither")
    cell = load(Cell, arguments.config or DEMO_CONFIG)
    weights = arguments.weights or DEMO_WEIGHTS
    for shown in demo(
        cell,
        weights,
        arguments.pictures,
        arguments.out,
        arguments.threshold,
        arguments.proposals,
    ):
        print(shown, flush=True)


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--profile", metavar="NAME", help="default: all profiles that have resolved configs"
    )


def _list(arguments: argparse.Namespace) -> None:
    from frcn.repository import pipelines_module  # noqa: PLC0415

    pipelines_module("reproduce").interrupt_on_terminate()
    print(pipelines_module("states").list_cells(arguments.profile))


def _plan_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--profile", required=True, metavar="NAME", help="a file of conf/profile")


def _plan(arguments: argparse.Namespace) -> None:
    from frcn.repository import pipelines_module  # noqa: PLC0415

    pipelines_module("reproduce").interrupt_on_terminate()
    print(pipelines_module("plan").plan(arguments.profile))


COMMANDS = {
    "convert": Command(
        "convert a caffemodel of the original into weights of ours",
        _convert_arguments,
        _convert,
    ),
    "demo": Command("draw the detections of a trained cell on any picture", _demo_arguments, _demo),
    "list": Command(
        "list the cells with published and own mAP, and which are up to date",
        _list_arguments,
        _list,
    ),
    "plan": Command(
        "say what `dvc repro` would run, with its time, disk and GPU memory",
        _plan_arguments,
        _plan,
    ),
    "score": Command(
        "score a detector's VOC result files: AP per class and mAP", _score_arguments, _score
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status (2 for bad input)."""
    parser = argparse.ArgumentParser(
        prog="frcn", description="Fast R-CNN and its ablations, reproduced."
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        command.add_arguments(
            subparsers.add_parser(name, help=command.help, description=command.help)
        )
    arguments = parser.parse_args(argv)
    try:
        COMMANDS[arguments.command].run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader, `head` say, has seen enough; without this Python complains at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except UserError as error:
        print(f"frcn {arguments.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"frcn {arguments.command}: interrupted", file=sys.stderr)
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
