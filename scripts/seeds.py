"""Campaigns of many seeds: workers, what is done so far, progress, reports. scripts/regress and scripts/faults use it.

A worker is a program that reads seeds from its standard input and answers with a JSON line each: seed, configuration,
result ("pass" or "fail"), difference (kind, text), cycles, commands, milliseconds.
"""

import argparse
import hashlib
import json
import os
import queue
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NoReturn, Protocol

ROOT = Path(__file__).resolve().parent.parent
VERIF = ROOT / "build" / "release" / "verif"
PAGE = ROOT / "verif" / "regress" / "report.html.j2"
CONFIGS = sorted(package.parent.name for package in (ROOT / "rtl" / "config").glob("*/systolith_config_pkg.sv"))
MOST_SEED = (1 << 64) - 1
MOST_SEEDS = 10_000_000  # of one run: each is a line in memory
MOST_JOBS = 10_000
LONG = 100_000  # seeds; how long they take is said early
UNPRINTABLE = re.compile(r"[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd]")
SEED_TIMEOUT = 300.0  # seconds for one seed; one takes less than one

Seed = dict[str, Any]
Table = tuple[str, Sequence[str], Sequence[Sequence[str]]]  # title, header, rows


def stop(message: str, status: int = 2) -> NoReturn:
    """Ends the script with an error."""
    print(f"{Path(sys.argv[0]).name}: {message}", file=sys.stderr)
    sys.exit(status)


@dataclass(frozen=True)
class Setup:
    """What is the same for all seeds of a run."""

    name: str  # of the make target, and of the folder in build/
    worker: Path
    configs: tuple[str, ...]  # empty: all
    options: tuple[str, ...] = ()  # more ones of the worker
    variables: str = ""  # of make, that stand for these options
    environment: Mapping[str, str] = field(default_factory=dict)  # what the worker has more in its own

    def arguments(self, config: str = "") -> list[str]:
        """Options of the worker; `config` in the place of all."""
        names = config or ",".join(self.configs)
        return (["--config", names] if names else []) + list(self.options)

    def reproduce(self, seed: Seed) -> str:
        """The command that runs one seed again, the same."""
        command = f"make {self.name} N=1 SEED={seed['seed']} CONFIG={seed['configuration']}"
        return f"{command} {self.variables}".strip()


# ---- workers ----


class Worker:
    """One process that runs seeds; a new one after a crash."""

    def __init__(self, setup: Setup, timeout: float) -> None:
        """`timeout`: seconds for a seed."""
        self.setup = setup
        self.timeout = timeout
        self.process: subprocess.Popen[str] | None = None
        self.errors = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115  # a pipe could fill up

    def start(self) -> subprocess.Popen[str]:
        """The process, started if there is none."""
        if self.process is None:
            command = [str(self.setup.worker), "--work", *self.setup.arguments()]
            # In a group of its own: Ctrl-C ends this script, which ends the workers.
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.errors,
                text=True,
                start_new_session=True,
                env={**os.environ, **self.setup.environment},
            )
        return self.process

    def run(self, seed: int) -> Seed:
        """One seed; a crash or a worker that does not answer is a failure of that seed."""
        process = self.start()
        assert process.stdin and process.stdout
        began = time.monotonic()
        hung = threading.Event()

        def end() -> None:
            hung.set()
            process.kill()

        timer = threading.Timer(self.timeout, end)
        timer.start()
        try:
            process.stdin.write(f"{seed}\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            timer.cancel()
        if line.endswith("\n"):
            return dict(json.loads(line))
        status = process.wait()
        self.errors.seek(0)
        # What a program in trouble prints need not be text, which XML is.
        errors = UNPRINTABLE.sub("?", self.errors.read())[-500:].strip()
        self.errors.seek(0)
        self.errors.truncate()
        self.process = None
        text = f"no answer in {self.timeout:.0f} s" if hung.is_set() else f"the worker ended with status {status}"
        return {
            "seed": seed,
            "configuration": self.configuration(seed),
            "result": "fail",
            "difference": {"kind": "timeout" if hung.is_set() else "crash", "text": f"{text}: {errors}".strip(": ")},
            "cycles": 0,
            "commands": 0,
            "milliseconds": (time.monotonic() - began) * 1000,
        }

    def configuration(self, seed: int) -> str:
        """What a seed draws, when the worker can't say."""
        command = [str(self.setup.worker), "--explain", str(seed), *self.setup.arguments()]
        text = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        found = re.search(r"^configuration (\S+)$", text, re.MULTILINE)
        return found[1] if found else "unknown"

    def close(self) -> None:
        """Ends the process."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None


class Unfinished(Exception):  # noqa: N818  # no error of this script
    """Some seeds have no result and will get none in this run; says why."""


class Runner(Protocol):
    """What runs seeds: workers of this machine, or a cluster."""

    def results(self, seeds: list[int], deadline: float) -> Iterator[Seed]:
        """Results as they come; ends at the deadline (of time.monotonic) with seeds left. Closing it ends the work."""

    def rest(self) -> list[Seed]:
        """After the end: results that came too late for `results`."""


@dataclass(frozen=True)
class LocalRunner:
    """Workers of this machine."""

    setup: Setup
    jobs: int
    timeout: float  # seconds for a seed

    def results(self, seeds: list[int], deadline: float) -> Iterator[Seed]:
        """As Runner says."""
        return run_seeds(self.setup, seeds, self.jobs, deadline, self.timeout)

    def rest(self) -> list[Seed]:
        """None: a worker that is ended says nothing."""
        return []


def run_seeds(setup: Setup, seeds: list[int], jobs: int, deadline: float, timeout: float) -> Iterator[Seed]:
    """Results as they come, of `jobs` workers; ends at the deadline (of time.monotonic) with seeds left."""
    left: queue.SimpleQueue[int] = queue.SimpleQueue()
    for seed in seeds:
        left.put(seed)
    results: queue.Queue[Seed | None] = queue.Queue()
    stopping = threading.Event()
    workers = [Worker(setup, timeout) for _ in range(max(1, min(jobs, len(seeds))))]

    def serve(worker: Worker) -> None:
        try:
            while not stopping.is_set() and time.monotonic() < deadline:
                try:
                    seed = left.get_nowait()
                except queue.Empty:
                    break
                result = worker.run(seed)
                # A worker that this script ended says nothing of its seed.
                if not stopping.is_set():
                    results.put(result)
        finally:
            results.put(None)

    threads = [threading.Thread(target=serve, args=(worker,), daemon=True) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        running = len(threads)
        while running:
            result = results.get()
            if result is None:
                running -= 1
            else:
                yield result
    finally:
        stopping.set()
        for worker in workers:
            worker.close()


# ---- what is kept ----


def commit(worker: Path) -> str:
    """The commit, and a hash of what differs from it; without git, of the worker."""
    result = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    if result.returncode:
        return "no-commit-" + hashlib.sha256(worker.read_bytes()).hexdigest()[:8]
    # Sources alone: a program that a failure leaves does not begin a new run.
    changed = subprocess.run(["git", "diff", "HEAD", "--", "rtl", "sw", "verif"], cwd=ROOT, capture_output=True).stdout
    return result.stdout.strip() + (f"-{hashlib.sha256(changed).hexdigest()[:8]}" if changed else "")


@dataclass
class State:
    """A file with a line for each seed that is done."""

    path: Path
    done: dict[int, Seed] = field(default_factory=dict)

    def load(self) -> None:
        """Reads it; a line cut off by an end of the machine is left out."""
        if not self.path.exists():
            return
        kept = []
        for line in self.path.read_text().splitlines():
            try:
                seed = json.loads(line)
                self.done[seed["seed"]] = seed
                kept.append(line)
            except (ValueError, KeyError, TypeError):
                continue
        self.path.write_text("".join(f"{line}\n" for line in kept))

    def add(self, seed: Seed, file: IO[str]) -> None:
        """One more."""
        self.done[seed["seed"]] = seed
        file.write(json.dumps(seed, sort_keys=True) + "\n")
        file.flush()


def passed(seed: Seed) -> bool:
    """Whether a seed passed."""
    return bool(seed["result"] == "pass")


# ---- reports ----


def write_junit(path: Path, seeds: list[Seed], setup: Setup) -> None:
    """A test case a seed; of very many seeds those that failed."""
    import junitparser  # the wheel comes with scripts/setup; --help needs none

    cases = []
    for seed in seeds if len(seeds) < LONG else [seed for seed in seeds if not passed(seed)]:
        case = junitparser.TestCase(f"seed {seed['seed']}", f"{setup.name}.{seed['configuration']}")
        case.time = seed["milliseconds"] / 1000
        if not passed(seed):
            failure = junitparser.Failure(seed["difference"]["text"], seed["difference"]["kind"])
            failure.text = setup.reproduce(seed)
            case.result = [failure]
        cases.append(case)
    suite = junitparser.TestSuite(setup.name)
    suite.add_testcases(cases)  # one by one each is counted again
    xml = junitparser.JUnitXml()
    xml.add_testsuite(suite)
    xml.update_statistics()  # type: ignore[no-untyped-call]
    xml.write(str(path), pretty=True)


def write_page(path: Path, seeds: list[Seed], setup: Setup, title: str, tables: Sequence[Table] = ()) -> None:
    """One page that needs no other file."""
    import jinja2

    configurations = []
    for name in sorted({seed["configuration"] for seed in seeds}):
        own = [seed for seed in seeds if seed["configuration"] == name]
        configurations.append(
            {
                "name": name,
                "seeds": len(own),
                "failed": sum(not passed(seed) for seed in own),
                "commands": sum(seed["commands"] for seed in own),
                "median_cycles": round(statistics.median(seed["cycles"] for seed in own)),
                "most_cycles": max(seed["cycles"] for seed in own),
                "seconds": sum(seed["milliseconds"] for seed in own) / 1000,
            }
        )
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    template = environment.from_string(PAGE.read_text())
    failures = [seed | {"reproduce": setup.reproduce(seed)} for seed in seeds if not passed(seed)]
    slowest = sorted(seeds, key=lambda seed: -seed["cycles"])[:20]
    path.write_text(
        template.render(
            title=title,
            seeds=seeds,
            failures=failures,
            configurations=configurations,
            slowest=slowest,
            variables=setup.variables,
            tables=tables,
        )
    )


def print_failure(seed: Seed, setup: Setup) -> None:
    """What differs, and the line that runs it again."""
    difference = seed["difference"]
    print(f"FAILED seed {seed['seed']} on {seed['configuration']}: {difference['kind']}: {difference['text']}")
    if "injection" in seed:
        print(f"  {seed['kind']}: {seed['injection']}")
    if "statement" in difference:
        print(f"  command {difference['command']} of the {difference['unit']} unit: {difference['statement']}")
    print(f"  {setup.reproduce(seed)}")


# ---- options ----


def seed_number(text: str) -> int:
    """A seed."""
    try:
        value = int(text, 0)
    except ValueError:
        value = -1
    if not 0 <= value <= MOST_SEED:
        raise argparse.ArgumentTypeError(f"'{text}' is no seed: write a number from 0 to 2^64 - 1")
    return value


def positive(what: str, most: int) -> Callable[[str], int]:
    """A number from 1."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = 0
        if value < 1:
            raise argparse.ArgumentTypeError(f"'{text}' is no number of {what}: write 1 or more")
        if value > most:
            raise argparse.ArgumentTypeError(f"{text} {what} are too many at a time: write at most {most}")
        return value

    return parse


def run_name(text: str) -> str:
    """What a run's files may be named by."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.]*", text):
        raise argparse.ArgumentTypeError(f"'{text}' is no name of a run: write letters, digits, '_' and '.'")
    return text


def minutes(text: str) -> float:
    """A time above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"'{text}' is no time: write minutes above 0, as 0.5 or 60")
    return value


def configs_of(text: str) -> tuple[str, ...]:
    """Names of configurations."""
    names = tuple(sorted({name for name in re.split(r"[\s,;]+", text) if name}))
    unknown = [name for name in names if name not in CONFIGS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no configuration {', '.join(unknown)}; there are {', '.join(CONFIGS)}")
    return names


def add_options(parser: argparse.ArgumentParser, worker: Path) -> None:
    """Options that every campaign has."""
    parser.add_argument("-n", type=positive("seeds", MOST_SEEDS), default=1000, help="seeds to run (default 1000)")
    parser.add_argument("--seed", type=seed_number, default=1, help="the first one, 0 to 2^64 - 1 (default 1)")
    parser.add_argument(
        "--jobs",
        type=positive("jobs", MOST_JOBS),
        help="workers at a time (default: one a core; of Slurm all that it grants)",
    )
    parser.add_argument("--time", type=minutes, metavar="MINUTES", help="stop after these")
    parser.add_argument(
        "--config", type=configs_of, default=(), metavar="NAMES", help=f"draw among: {','.join(CONFIGS)}"
    )
    parser.add_argument(
        "--runner",
        choices=("local", "slurm"),
        default="local",
        help="slurm: the seeds as a job array (docs/verification.md); the result is the same",
    )
    parser.add_argument(
        "--chunk", type=positive("seeds", MOST_SEEDS), default=50, help="seeds of a Slurm task (default 50)"
    )
    parser.add_argument("--folder", type=Path, help="where state and reports are kept (default: in build/)")
    parser.add_argument(
        "--name", type=run_name, help="what state and reports are named by (default: commit and what differs from it)"
    )
    parser.add_argument("--fresh", action="store_true", help="forget what is done of this run")
    parser.add_argument("--shown", type=int, default=10, metavar="K", help="print the first K failures (default 10)")
    parser.add_argument("--seed-timeout", type=float, default=SEED_TIMEOUT, metavar="S", help="seconds for one seed")
    parser.add_argument("--worker", type=Path, default=worker, help="the program that runs seeds")


def local_jobs(options: argparse.Namespace) -> int:
    """Workers of this machine."""
    return int(options.jobs or os.cpu_count() or 1)


def shown(path: Path) -> str:
    """A path as it is printed."""
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


# ---- the run ----


@dataclass
class Done:
    """What a run came to."""

    seeds: list[Seed]
    status: int  # exit status: 0 all pass, 1 a failure, 3 time is up, 130 Ctrl-C
    page: Path

    @property
    def failures(self) -> list[Seed]:
        """Seeds that failed."""
        return [seed for seed in self.seeds if not passed(seed)]


def no_failure(_seed: Seed, _number: int) -> None:
    """For campaigns that do no more about one."""


def no_tables(_seeds: list[Seed]) -> Sequence[Table]:
    """For campaigns that have none."""
    return ()


def run(
    options: argparse.Namespace,
    setup: Setup,
    failed_seed: Callable[[Seed, int], None] = no_failure,
    tables_of: Callable[[list[Seed]], Sequence[Table]] = no_tables,
) -> Done:
    """All seeds, then the reports and the failures.

    `failed_seed` is called for each failure that is printed, unless Ctrl-C ended the run; `tables_of` gives what the
    page shows beside failures and configurations.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    check = subprocess.run(
        [str(setup.worker), "--list", *setup.arguments()], capture_output=True, text=True, check=False
    )
    if check.returncode:
        stop(check.stderr.strip().removeprefix(f"{setup.worker.name}: "))
    last = options.seed + options.n - 1
    if last > MOST_SEED:
        stop(f"seeds {options.seed} to {last}: the last one is past 2^64 - 1; choose a lower SEED or N")
    folder = (options.folder or ROOT / "build" / setup.name).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    of = options.name or commit(setup.worker)
    name = f"{of}-{options.seed}"
    if setup.configs:
        name += "-" + "+".join(setup.configs)
    if setup.variables:
        name += "-" + hashlib.sha256(setup.variables.encode()).hexdigest()[:8]
    state = State(folder / f"{name}.jsonl")
    if options.fresh:
        state.path.unlink(missing_ok=True)
    state.load()
    runner: Runner = LocalRunner(setup, local_jobs(options), options.seed_timeout)
    tasks = state.path.with_suffix(".slurm")
    if options.runner == "slurm" or tasks.exists():
        import slurm

        # What tasks did after their run was killed is not lost.
        late = slurm.collect(tasks)
        with state.path.open("a") as file:
            for seed in late if not options.fresh else []:
                if seed["seed"] not in state.done:
                    state.add(seed, file)
        if options.runner == "slurm":
            runner = slurm.SlurmRunner(setup, tasks, options.jobs, options.chunk, options.seed_timeout)
    wanted = range(options.seed, last + 1)
    todo = [seed for seed in wanted if seed not in state.done]
    if len(todo) < len(wanted):
        print(
            f"{setup.name}: {len(wanted) - len(todo)} of {len(wanted)} seeds are done already (--fresh runs them again)"
        )
    failed = sum(not passed(state.done[seed]) for seed in wanted if seed in state.done)
    began = time.monotonic()
    deadline = began + options.time * 60 if options.time else float("inf")
    interrupted = False
    unfinished = ""
    count = 0
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with state.path.open("a") as file, Progress(*columns, disable=not todo) as progress:
        task = progress.add_task("seeds", total=len(wanted), completed=len(wanted) - len(todo), rate="")
        results = runner.results(todo, deadline)
        estimated = len(todo) < LONG
        try:
            for seed in results:
                state.add(seed, file)
                count += 1
                if not passed(seed):
                    failed += 1
                    text = f"FAILED seed {seed['seed']}: {seed['difference']['text']}"
                    progress.console.print(text, markup=False, soft_wrap=True)
                done = len(wanted) - len(todo) + count
                elapsed = max(time.monotonic() - began, 1e-6)
                rate = f"{100 * (done - failed) / done:.1f} % pass, {count / elapsed:.1f} seeds/s"
                progress.update(task, completed=done, rate=rate)
                if not estimated and elapsed > 5:
                    estimated = True
                    hours = len(todo) / (count / elapsed) / 3600
                    progress.console.print(f"{len(todo)} seeds take about {hours:.1f} hours; Ctrl-C keeps what is done")
        except KeyboardInterrupt:
            interrupted = True
        except Unfinished as reason:
            unfinished = str(reason)
        finally:
            results.close()  # type: ignore[attr-defined]  # a generator: ends the workers
            for seed in runner.rest():
                if seed["seed"] not in state.done:
                    state.add(seed, file)
                    count += 1
    elapsed = time.monotonic() - began

    seeds = [state.done[seed] for seed in wanted if seed in state.done]
    if not seeds:
        print(f"{setup.name}: nothing is done yet; {unfinished or 'the same command goes on'}")
        return Done([], 130 if interrupted else 1 if unfinished else 3, Path())
    failures = [seed for seed in seeds if not passed(seed)]
    junit, page = state.path.with_suffix(".xml"), state.path.with_suffix(".html")
    write_junit(junit, seeds, setup)
    title = f"Seeds {options.seed} to {last}, {options.name or 'commit ' + of.split('-')[0]}"
    write_page(page, seeds, setup, title, tables_of(seeds))
    for seed in failures[: options.shown]:
        print_failure(seed, setup)
        if not interrupted:
            failed_seed(seed, failures.index(seed))
    if len(failures) > options.shown:
        print(f"... and {len(failures) - options.shown} more, in the page")
    median = statistics.median(seed["cycles"] for seed in seeds)
    speed = f", {count / elapsed * 60:.0f} programs a minute" if count else ""
    print(
        f"{setup.name}: {len(seeds)} of {len(wanted)} seeds done, {len(failures)} failed{speed}, "
        f"median {median:.0f} cycles of the device a program"
    )
    print(f"{setup.name}: {shown(page)}, {junit.name}, {state.path.name}")
    if unfinished:
        print(f"{setup.name}: {unfinished}; the same command goes on")
    if failures or unfinished:
        return Done(seeds, 1, page)
    if interrupted:
        print(f"{setup.name}: interrupted; the same command goes on")
        return Done(seeds, 130, page)
    if len(seeds) < len(wanted):
        print(f"{setup.name}: time is up; the same command goes on")
        return Done(seeds, 3, page)
    return Done(seeds, 0, page)
