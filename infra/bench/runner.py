"""The one runner of all benchmarks: their flags, the machine, the seeds, and the page they write.

    python -m bench NAME [--output PAGE] [--folder FOLDER] [--seeds N] [its own flags]

Run it with `jobs` and `infra` on PYTHONPATH, or by `make bench-NAME`. Every line is printed as soon
as it is measured; the page is written to `infra/bench/results/` when all are.
"""

import argparse
import importlib
import os
import platform
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

RESULTS = Path(__file__).with_name("results")
MODULES = {
    "accuracy": "bench.training.accuracy",
    "data_verbs": "bench.night.data_verbs",
    "drift": "bench.pruning.drift",
    "gate_coverage": "bench.judgement.gate_coverage",
    "gate_nights": "bench.judgement.gate_nights",
    "gate_speed": "bench.judgement.gate_speed",
    "gpu": "bench.training.gpu",
    "kuairand": "bench.training.kuairand",
    "latency": "bench.night.latency",
    "mapped_table": "bench.releases.mapped_table",
    "negatives": "bench.data.negatives",
    "night": "bench.night.one_night",
    "nights": "bench.pruning.nights",
    "onboarding": "bench.night.onboarding",
    "package_bytes": "bench.pruning.package_bytes",
    "peers": "bench.training.peers",
    "pruning": "bench.pruning.methods",
    "resent": "bench.releases.resent",
    "serving": "bench.night.serving",
    "transfer": "bench.releases.transfer",
    "two_nights": "bench.releases.two_nights",
}

Asked = argparse.Namespace  # the parsed flags; `folder` is a scratch folder where none was named


@dataclass(frozen=True)
class Benchmark:
    """What a module offers the runner.

    `figures` yields the page's lines below its head. `page` names the page, from the flags.
    `seeds` is how many seeds are run unless `--seeds` says otherwise; 0 where seeds play no part.
    """

    title: str
    figures: Callable[[Asked], Iterator[str]]
    page: Callable[[Asked], str]
    add_flags: Callable[[argparse.ArgumentParser], object] = lambda _flags: None
    seeds: int = 0


def main(arguments: Sequence[str]) -> None:
    """Run the benchmark that is named first, and write its page."""
    if not arguments or arguments[0] not in MODULES:
        sys.exit(f"{__doc__}\nNAME is one of {', '.join(MODULES)}.")
    name, *rest = arguments
    module = importlib.import_module(MODULES[name])
    benchmark: Benchmark = module.BENCHMARK
    flags = argparse.ArgumentParser(
        prog=f"python -m bench {name}",
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    flags.add_argument("--output", type=Path, metavar="PAGE")
    flags.add_argument("--folder", type=Path, help="keeps what is made on the way, and reuses it")
    if benchmark.seeds:
        flags.add_argument("--seeds", type=int, default=benchmark.seeds, metavar="N")
    benchmark.add_flags(flags)
    asked = flags.parse_args(rest)
    page = asked.output or RESULTS / f"{benchmark.page(asked)}.md"
    with tempfile.TemporaryDirectory(prefix="secateur-bench-") as scratch:
        asked.folder = (asked.folder or Path(scratch)).absolute()
        asked.folder.mkdir(parents=True, exist_ok=True)
        lines = []
        for line in chain(head(benchmark.title, arguments), benchmark.figures(asked)):
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
            lines.append(line)
    page.write_text("\n".join(lines).rstrip() + "\n")


def head(title: str, arguments: Sequence[str]) -> Iterator[str]:
    """Title, command and machine. A path in the command is told as FOLDER: it is nobody's else."""
    command = re.sub(r"[^ =]*/[^ ]*", "FOLDER", " ".join(arguments))
    yield f"# {title}\n"
    yield f"Command: `python -m bench {command}`  "
    yield f"Machine: {machine()}\n"


def machine() -> str:
    """Processor, cores, GPU, and the versions that matter."""
    import onnxruntime
    import torch

    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), "?")
    gpu = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    return (
        f"{model}, {os.cpu_count()} cores{gpu}; Python {platform.python_version()}, "
        f"torch {torch.__version__}, onnxruntime {onnxruntime.__version__}"
    )


def seeds_of(asked: Asked) -> range:
    """The seeds of a benchmark that takes `--seeds`: 1, 2, 3, ..."""
    return range(1, asked.seeds + 1)


def add_frappe(flags: argparse.ArgumentParser) -> None:
    """The folder of Frappe_x1 as the only positional flag."""
    flags.add_argument(
        "frappe",
        type=Path,
        help="the folder with Frappe_x1's {train,valid,test,vocab}.csv.zst",
    )
