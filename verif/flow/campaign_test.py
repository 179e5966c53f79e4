#!/usr/bin/env python3
"""The scripts that run seeds: same result with any number of jobs, interruptions, failures, bad options.

usage: campaign_test.py BUILD [unittest's options and names]     BUILD: of CMake, with the workers
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FAKE = Path(__file__).resolve().parent / "fake_worker.py"
BUILD = Path()
CONFIG = "tiny"
TIMES = re.compile(r'"milliseconds": [0-9.e-]+|time="[0-9.e-]+"|<td class="n">[0-9.]+</td></tr>')


class Campaign(unittest.TestCase):
    """Runs scripts/regress, or another, with state and programs in a folder of the test."""

    def setUp(self) -> None:
        """The folder."""
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.work = Path(scratch.name)

    def command(self, folder: str, *arguments: str, script: str = "regress") -> list[str]:
        """Of a run whose state goes to `folder`."""
        worker = () if "--worker" in arguments else ("--worker", str(BUILD / f"verif/{script}/systolith_{script}"))
        command = [sys.executable, str(ROOT / "scripts" / script), "--folder", str(self.work / folder), *worker]
        # Of this name, whatever is committed meanwhile.
        command += ["--name", "test"]
        return [*command, *([] if "--config" in arguments else ["--config", CONFIG]), *arguments]

    def fake(self, planned: str) -> dict[str, str]:
        """Environment of the worker that does what is planned."""
        return os.environ | {"FAKE_WORKER": str(BUILD / "verif/regress/systolith_regress"), "FAKE_SEEDS": planned}

    def run_script(
        self, status: int, folder: str, *arguments: str, script: str = "regress", planned: str | None = None
    ) -> str:
        """Its output; it must end with this status. `planned`: see fake_worker.py."""
        if planned is not None:
            arguments = (*arguments, "--worker", str(FAKE), "--programs", str(self.work / "programs"))
        result = subprocess.run(
            self.command(folder, *arguments, script=script),
            capture_output=True,
            text=True,
            check=False,
            env=self.fake(planned or ""),
        )
        output = result.stdout + result.stderr
        self.assertEqual(result.returncode, status, output)
        return output

    def file(self, folder: str, suffix: str) -> str:
        """The state (jsonl), page (html) or report (xml) of a run."""
        (path,) = (self.work / folder).glob(f"*.{suffix}")
        return path.read_text()

    def done(self, folder: str) -> list[str]:
        """All that a run leaves, without times; its state in the order of seeds."""
        state = sorted(self.file(folder, "jsonl").splitlines(), key=lambda line: int(json.loads(line)["seed"]))
        return [TIMES.sub("", text) for text in (*state, self.file(folder, "html"), self.file(folder, "xml"))]

    def test_any_number_of_jobs_comes_to_the_same(self) -> None:
        """State, page and report of one job and two, of both campaigns."""
        for script in ("regress", "faults"):
            for jobs in ("1", "2"):
                text = self.run_script(0, f"{script}{jobs}", "-n", "6", "--jobs", jobs, script=script)
                self.assertIn("6 of 6 seeds done, 0 failed", text)
            self.assertEqual(self.done(f"{script}1"), self.done(f"{script}2"))

    def test_interrupted_run_goes_on_to_the_same_page(self) -> None:
        """Ctrl-C in mid-run, and a state whose last line is cut off."""
        self.run_script(0, "whole", "-n", "6")
        arguments = ("-n", "6", "--jobs", "1", "--worker", str(FAKE))
        process = subprocess.Popen(
            self.command("halves", *arguments), env=self.fake("hang=4"), stdout=subprocess.PIPE, text=True
        )
        end = time.monotonic() + 60
        while not list((self.work / "halves").glob("*.jsonl")) or self.file("halves", "jsonl").count("\n") < 3:
            self.assertLess(time.monotonic(), end)
            self.assertIsNone(process.poll())
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        text = process.communicate(timeout=60)[0]
        self.assertEqual(process.returncode, 130, text)
        self.assertIn("3 of 6 seeds done, 0 failed", text)
        self.assertIn("interrupted; the same command goes on", text)
        self.assertEqual(self.file("halves", "xml").count("<testcase"), 3)
        (state,) = (self.work / "halves").glob("*.jsonl")
        self.assertEqual(state.name, f"test-1-{CONFIG}.jsonl")
        state.write_text(state.read_text() + '{"seed": 4, "resu')
        self.assertIn("3 of 6 seeds are done already", self.run_script(0, "halves", "-n", "6"))
        self.assertEqual(self.done("halves"), self.done("whole"))
        # Done: nothing runs; --fresh runs all.
        self.assertIn("6 of 6 seeds are done already", self.run_script(0, "halves", "-n", "6"))
        self.assertNotIn("done already", self.run_script(0, "halves", "-n", "6", "--fresh"))
        self.assertEqual(self.done("halves"), self.done("whole"))

    def test_red_seed(self) -> None:
        """Exit status, the line that runs it again, JUnit, page and small program."""
        text = self.run_script(1, "red", "-n", "4", "--no-waves", planned="fail=3")
        difference = f"memory at 0x80050000: device <1> & model 2; {'many ' * 20}bytes differ"
        self.assertIn(f"FAILED seed 3: {difference}\n", text)
        self.assertIn(f"FAILED seed 3 on tiny: memory: {difference}\n", text)
        self.assertIn("command 1 of the store unit: store space=scratchpad", text)
        self.assertEqual(
            re.findall(r"^ +(make regress .*)$", text, re.MULTILINE), ["make regress N=1 SEED=3 CONFIG=tiny"]
        )
        small = self.work / "programs" / "seed_3_tiny.txt"
        self.assertRegex(text, rf"shrunk to 7 of \d+ commands: {small}\n")
        self.assertIn(f"waves: scripts/simulate replay {small} --from 1500 --to 2050", text)
        self.assertIn("configuration tiny", small.read_text())
        suite = ElementTree.fromstring(self.file("red", "xml"))
        self.assertEqual((suite.get("tests"), suite.get("failures")), ("4", "1"))
        failed = {case.get("name"): case.find("failure") for case in suite.iter("testcase")}
        self.assertEqual([name for name, failure in failed.items() if failure is not None], ["seed 3"])
        failure = failed["seed 3"]
        assert failure is not None
        self.assertEqual(failure.get("message"), difference)
        self.assertEqual(failure.text, "make regress N=1 SEED=3 CONFIG=tiny")
        page = self.file("red", "html")
        self.assertIn('4 seeds,\n<span class="fail">1 failed</span>', page)
        self.assertIn("device &lt;1&gt; &amp; model 2", page)
        self.assertIn("<code>make regress N=1 SEED=3 CONFIG=tiny</code>", page)
        # It stays red, and only --shown and --shrink of them are shown and shrunk.
        small.unlink()
        text = self.run_script(1, "red", "-n", "4", "--no-waves", "--shrink", "0", planned="")
        self.assertIn("  make regress N=1 SEED=3 CONFIG=tiny\n", text)
        self.assertNotIn("shrunk", text)
        text = self.run_script(1, "red", "-n", "4", "--no-waves", "--shown", "0", planned="")
        self.assertIn("... and 1 more, in the page", text)
        self.assertFalse(small.exists())

    def test_weights_are_part_of_the_line(self) -> None:
        """The line that runs a seed again has what the run had."""
        arguments = ("-n", "1", "--no-waves", "--weights", "nop=0,relu=100")
        text = self.run_script(1, "weights", *arguments, planned="fail=1")
        self.assertIn("  make regress N=1 SEED=1 CONFIG=tiny WEIGHTS=nop=0,relu=100\n", text)

    def test_workers_that_crash_or_hang(self) -> None:
        """Failures of their seeds, which are not shrunk; the others pass."""
        arguments = ("-n", "6", "--seed-timeout", "10", "--jobs", "2")
        text = self.run_script(1, "crash", *arguments, planned="crash=2,hang=4,noise=5")
        self.assertIn("FAILED seed 2 on tiny: crash: the worker ended with status 9: out of luck", text)
        self.assertIn("FAILED seed 4 on tiny: timeout: no answer in 10 s", text)
        self.assertIn("FAILED seed 5 on tiny: crash: the worker ended with status 9: ?�?[1m", text)
        self.assertIn("6 of 6 seeds done, 3 failed", text)
        self.assertNotIn("shrunk", text)
        self.assertEqual(ElementTree.fromstring(self.file("crash", "xml")).get("failures"), "3")
        # One worker after the other: what the first printed is not told of the second.
        text = self.run_script(1, "crashes", "-n", "2", "--jobs", "1", planned="crash=1,crash=2")
        for seed in (1, 2):
            self.assertIn(f"FAILED seed {seed} on tiny: crash: the worker ended with status 9: out of luck\n", text)

    def test_time_is_up(self) -> None:
        """Exit status 3 with what is done."""
        text = self.run_script(3, "time", "-n", "5000", "--time", "0.03")
        self.assertRegex(text, r"\b\d+ of 5000 seeds done, 0 failed")
        self.assertIn("time is up; the same command goes on", text)

    def test_bad_options(self) -> None:
        """Exit status 2, a message that says what may be written, nothing left; of counts and seeds: bad_input_test."""
        for message, arguments in {
            "no configuration other; there are .*4x4.*tiny": ("--config", "other"),
            "'0' is no time: write minutes above 0": ("--time", "0"),
            "'inf' is no time": ("--time", "inf"),
            "'a-b' is no name of a run": ("--name", "a-b"),
            "regress: no weight 'other'": ("--weights", "other=1"),
            "regress: .*is no number from 0 to 100": ("--weights", "relu=101"),
            "unexpected name": ("name",),
            "argument --runner: invalid choice: 'cloud'": ("--runner", "cloud"),
            "nowhere is not built: make regress builds it": ("--worker", "nowhere"),
        }.items():
            with self.subTest(arguments):
                text = self.run_script(2, "bad", *arguments)
                self.assertRegex(text, message)
                self.assertNotIn("Traceback", text)
                self.assertFalse((self.work / "bad").exists() and any((self.work / "bad").iterdir()))


if __name__ == "__main__":
    BUILD = Path(sys.argv.pop(1)).resolve()
    unittest.main()
