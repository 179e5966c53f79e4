"""Seeds as job arrays of Slurm: what seeds.run() uses with --runner slurm, and what a task of such an array runs.

An array has a folder of its own, on a file system that all nodes share: settings.json, and for task k the seeds to run
(k.seeds), their results as they come (k.jsonl, of seeds.State) and the log (k.log). A task is over when each of its
seeds has a result; one that leaves Slurm's queue before is lost, and is run again once. Where coverage is counted, each
task has its counts in a folder of its own (k.coverage): nodes do not see each other's mapped files.
"""

import dataclasses
import json
import math
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from array import array
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from seeds import ROOT, Seed, Setup, State, Unfinished, Worker, shown, stop

POLL = 1.0  # seconds between looks at the queue and at results
GONE = 3  # looks in a row that do not find a task in the queue, before it is lost
LAST_RESULTS = 20.0  # seconds that cancelled tasks get to end
ATTEMPTS = 2
LOG_LINES = 5
LOGS_SHOWN = 3  # of lost tasks
COVERAGE = "SYSTOLITH_COVERAGE"  # in the environment: folder of counts, see verif/coverage


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of Slurm; its status is for the caller to look at."""
    try:
        return subprocess.run(arguments, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        stop(f"{arguments[0]} is not installed: --runner slurm needs Slurm's commands (Debian: slurm-client)")


def most_tasks() -> int:
    """Of one array, as the cluster is configured."""
    found = re.search(r"^MaxArraySize\s*=\s*(\d+)", command("scontrol", "show", "config").stdout, re.MULTILINE)
    return int(found[1]) if found else 1001


class Array:
    """One job array."""

    def __init__(self, folder: Path, chunks: list[list[int]]) -> None:
        """`folder`: of its own, not there yet; `chunks`: the seeds of each task."""
        self.folder = folder
        self.left = {str(task): set(chunk) for task, chunk in enumerate(chunks)}
        self.read = dict.fromkeys(self.left, 0)  # bytes of the results
        self.gone = dict.fromkeys(self.left, 0)
        self.lost: list[str] = []
        self.job = ""
        self.silent = False  # the queue could not be asked

    @property
    def name(self) -> str:
        """Of the job: no other has it."""
        return f"systolith-{self.folder.parent.stem}-{self.folder.name}"

    def submit(self, setup: Setup, jobs: int | None, timeout: float) -> None:
        """Hands it to Slurm. `jobs`: tasks at a time; what else sbatch reads from the environment is the user's."""
        self.folder.mkdir(parents=True)
        settings = dataclasses.asdict(setup) | {"worker": str(setup.worker.resolve()), "timeout": timeout}
        settings["coverage"] = bool(os.environ.get(COVERAGE))
        (self.folder / "settings.json").write_text(json.dumps(settings))
        for task, seeds in self.left.items():
            (self.folder / f"{task}.seeds").write_text("".join(f"{seed}\n" for seed in sorted(seeds)))
        task_command = [sys.executable, str(Path(__file__).resolve()), str(self.folder)]
        limit = f"%{jobs}" if jobs else ""
        result = command(
            *("sbatch", "--parsable", f"--job-name={self.name}", f"--array=0-{len(self.left) - 1}{limit}"),
            *("--ntasks=1", "--cpus-per-task=1", "--open-mode=append", f"--output={self.folder}/%a.log"),
            *(f"--chdir={ROOT}", f"--wrap=exec {shlex.join(task_command)}"),
        )
        if result.returncode:
            shutil.rmtree(self.folder)
            stop(result.stderr.strip() or f"sbatch ended with status {result.returncode}")
        self.job = result.stdout.strip().split(";")[0]
        (self.folder / "job").write_text(self.job)

    def states(self) -> dict[str, str] | None:
        """The tasks in Slurm's queue; none where it does not answer."""
        result = command("squeue", "--noheader", "--array", f"--jobs={self.job}", "--format=%K %t")
        if result.returncode and "Invalid job id" not in result.stderr:
            if not self.silent:
                print(f"slurm: {result.stderr.strip()}; asking again", file=sys.stderr)
            self.silent = True
            return None
        self.silent = False
        return dict(line.split() for line in result.stdout.splitlines() if line.strip())

    def results_of(self, task: str) -> list[Seed]:
        """New results of a task: whole lines alone."""
        try:
            with (self.folder / f"{task}.jsonl").open("rb") as file:
                file.seek(self.read[task])
                text = file.read()
        except FileNotFoundError:
            return []
        text = text[: text.rfind(b"\n") + 1]
        self.read[task] += len(text)
        results = []
        for line in text.splitlines():
            seed: Seed = json.loads(line)
            if seed["seed"] in self.left[task]:
                self.left[task].remove(seed["seed"])
                results.append(seed)
        return results

    def look(self) -> Iterator[Seed]:
        """New results of all tasks; finds out which are lost."""
        states = self.states()
        for task in [task for task, seeds in self.left.items() if seeds and task not in self.lost]:
            if states and states.get(task) == "PD":
                continue
            yield from self.results_of(task)
            if not self.left[task] or states is None or task in states:
                self.gone[task] = 0
                continue
            self.gone[task] += 1
            if self.gone[task] == GONE:
                self.lost.append(task)

    def over(self) -> bool:
        """Whether nothing more comes."""
        return all(not seeds or task in self.lost for task, seeds in self.left.items())

    def report_lost(self) -> None:
        """What is known of lost tasks."""
        for number, task in enumerate(self.lost):
            log = self.folder / f"{task}.log"
            total = len((self.folder / f"{task}.seeds").read_text().splitlines())
            print(
                f"slurm: LOST task {self.job}_{task} with {total - len(self.left[task])} of {total} seeds done: "
                f"{shown(log)}"
            )
            if not log.exists():
                print("  no log: it must be on a file system that the nodes share")
            elif number < LOGS_SHOWN:
                for line in log.read_text(errors="replace").splitlines()[-LOG_LINES:]:
                    print(f"  {line}")

    def cancel(self) -> None:
        """Ends what is left of it. The name keeps jobs of other clusters out."""
        command("scancel", f"--name={self.name}", self.job)


def add_counts(folder: Path) -> None:
    """Counts of all tasks of a run to this machine's; once."""
    for path in sorted(folder.glob("*/*.coverage/*.counts")):
        if into := os.environ.get(COVERAGE):
            total = Path(into) / path.name
            total.parent.mkdir(parents=True, exist_ok=True)
            counts = array("Q", path.read_bytes())
            before = array("Q", total.read_bytes() if total.exists() else bytes(len(counts) * counts.itemsize))
            if len(before) != len(counts):
                stop(f"{total} is of another build: remove it")
            total.write_bytes(array("Q", map(sum, zip(before, counts, strict=True))).tobytes())
        path.unlink()


class SlurmRunner:
    """A seeds.Runner: seeds go to a cluster in tasks of `chunk` seeds, as many at a time as Slurm and `jobs` allow."""

    def __init__(self, setup: Setup, folder: Path, jobs: int | None, chunk: int, timeout: float) -> None:
        """`folder`: of all arrays of this run."""
        self.setup = setup
        self.folder = folder
        self.jobs = jobs
        self.chunk = chunk
        self.timeout = timeout
        self.array: Array | None = None
        self.logs_told = False

    def results(self, seeds: list[int], deadline: float) -> Iterator[Seed]:
        """As seeds.Runner says."""
        size = max(self.chunk, math.ceil(len(seeds) / most_tasks()))
        chunks = [seeds[first : first + size] for first in range(0, len(seeds), size)]
        for attempt in range(ATTEMPTS):
            if not chunks:
                return
            array = Array(self.folder / str(attempt), chunks)
            array.submit(self.setup, self.jobs, self.timeout)
            self.array = array
            tasks = f"{len(chunks)} tasks" if len(chunks) > 1 else "1 task"
            print(f"slurm: {'again: ' if attempt else ''}job {array.job}, {tasks}, logs in {shown(array.folder)}")
            try:
                while not array.over():
                    yield from array.look()
                    if time.monotonic() >= deadline:
                        return
                    if not array.over():
                        time.sleep(POLL)
            finally:
                if not array.over():
                    array.cancel()
            array.report_lost()
            self.logs_told = self.logs_told or bool(array.lost)
            chunks = [sorted(array.left[task]) for task in array.lost]
        if chunks:
            lost = sum(len(chunk) for chunk in chunks)
            raise Unfinished(f"{lost} seeds have no result, as Slurm lost their tasks {ATTEMPTS} times")

    def rest(self) -> list[Seed]:
        """As seeds.Runner says. Waits for tasks that were cancelled; folders of whole runs go."""
        if not self.array:
            return []
        results = []
        until = time.monotonic() + LAST_RESULTS
        while not self.array.over() and self.array.states() and time.monotonic() < until:
            time.sleep(POLL / 4)
        for task in self.array.left:
            results += self.array.results_of(task)
        add_counts(self.folder)
        if not self.logs_told:
            shutil.rmtree(self.folder)
        return results


def collect(folder: Path) -> list[Seed]:
    """Results of arrays whose run was killed; what is left of their jobs is ended, and the folder goes."""
    results: list[Seed] = []
    for job in sorted(folder.glob("*/job")):
        array = Array(job.parent, [])
        array.job = job.read_text()
        if shutil.which("scancel"):
            array.cancel()
            until = time.monotonic() + LAST_RESULTS
            while array.states() and time.monotonic() < until:
                time.sleep(POLL / 4)
        for path in sorted(job.parent.glob("*.jsonl")):
            state = State(path)
            state.load()
            results += state.done.values()
    add_counts(folder)
    shutil.rmtree(folder, ignore_errors=True)
    return results


def run_task(folder: Path, task: str) -> int:
    """A task: one worker, seed by seed. A task that Slurm starts again goes on where it was."""

    def end(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, end)
    settings = json.loads((folder / "settings.json").read_text())
    timeout = settings.pop("timeout")
    if settings.pop("coverage"):
        os.environ[COVERAGE] = str(folder / f"{task}.coverage")
        Path(os.environ[COVERAGE]).mkdir(exist_ok=True)
    setup = Setup(**settings | {key: tuple(settings[key]) for key in ("configs", "options")})
    setup = dataclasses.replace(setup, worker=Path(setup.worker))
    state = State(folder / f"{task}.jsonl")
    state.load()
    worker = Worker(setup, timeout)
    try:
        with state.path.open("a") as file:
            for seed in map(int, (folder / f"{task}.seeds").read_text().split()):
                if seed not in state.done:
                    state.add(worker.run(seed), file)
    finally:
        worker.close()
    return 0


if __name__ == "__main__":
    sys.exit(run_task(Path(sys.argv[1]), os.environ["SLURM_ARRAY_TASK_ID"]))
