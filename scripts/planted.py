"""Faults of verif/mutants/mutants.toml planted in a copy of the tree, one at a time, and looked for with many seeds."""

import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seeds import ROOT, SEED_TIMEOUT, Seed, Setup, passed, run_seeds, stop

SOUND = 100  # seeds that must pass without a fault


@dataclass(frozen=True)
class Find:
    """What became of a planted fault."""

    name: str
    seed: Seed | None  # the first that failed
    tried: int
    text: str  # where there is none


def sibling(name: str) -> Any:
    """Another script of this folder as a module."""
    loader = importlib.machinery.SourceFileLoader(f"systolith_{name}", str(ROOT / "scripts" / name))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    if not spec:
        stop(f"scripts/{name} can't be read", 1)
    module = importlib.util.module_from_spec(spec)
    sys.modules[loader.name] = module  # dataclasses look themselves up
    loader.exec_module(module)
    return module


class Copy:
    """The copy in build/<campaign>/mutants, with the devices of some configurations."""

    def __init__(self, campaign: str, configs: tuple[str, ...], jobs: int) -> None:
        """`campaign`: its folder in verif/, and the name of its worker past `systolith_`."""
        self.target = f"systolith_{campaign}"
        self.configs = configs
        self.jobs = jobs
        self.mutants = sibling("mutants")
        self.mutants.WORK = ROOT / "build" / campaign / "mutants"
        self.mutants.TREE = self.mutants.WORK / "tree"
        self.mutants.BUILD = self.mutants.WORK / "build"
        self.worker: Path = self.mutants.BUILD / "verif" / campaign / self.target

    def choose(self, flag: str, names: list[str]) -> list[Any]:
        """Faults with `flag` = true, and one of `names` in theirs unless there are none."""
        chosen = [mutant for mutant in self.mutants.read_mutants() if getattr(mutant, flag)]
        if names:
            chosen = [mutant for mutant in chosen if any(name in mutant.name for name in names)]
        if not chosen:
            stop(f"no fault of that name has `{flag} = true` in verif/mutants/mutants.toml")
        return chosen

    def prepare(self, setup: Setup, first: int) -> None:
        """Copies, builds, and sees that nothing fails without a fault."""
        self.mutants.TREE.mkdir(parents=True, exist_ok=True)
        self.mutants.copy_tree()
        self.mutants.configure(";".join(self.configs))
        if not self.mutants.build((self.target,), self.jobs):
            stop(f"does not build without a fault, see {self.mutants.WORK / 'build.log'}", 1)
        for seed in run_seeds(setup, list(range(first, first + SOUND)), self.jobs, float("inf"), SEED_TIMEOUT):
            if not passed(seed):
                stop(f"seed {seed['seed']} fails without a fault: {seed['difference']['text']}", 1)

    def find(self, setup: Setup, chosen: list[Any], first: int, most: int) -> Iterator[Find]:
        """Plants each and runs at most so many seeds until one fails."""
        for mutant in chosen:
            source = self.mutants.TREE / mutant.file
            original = source.read_text()
            source.write_text(original.replace(mutant.find, mutant.replace))
            try:
                if not self.mutants.build((self.target,), self.jobs):
                    yield Find(mutant.name, None, 0, f"does not build: {self.mutants.WORK / 'build.log'}")
                    continue
                yield self.first_failure(mutant.name, setup, list(range(first, first + most)))
            finally:
                source.write_text(original)

    def first_failure(self, name: str, setup: Setup, numbers: list[int]) -> Find:
        """With the fault that is planted."""
        tried = 0
        found: Seed | None = None
        results = run_seeds(setup, numbers, self.jobs, float("inf"), SEED_TIMEOUT)
        for seed in results:
            tried += 1
            if not passed(seed):
                found = seed
                break
        results.close()  # type: ignore[attr-defined]  # a generator: ends the workers
        return Find(name, found, tried, "SURVIVED")
