#!/usr/bin/env python3
"""What the scripts that run seeds say to counts, seeds and configurations that can't be used, and a million seeds.

usage: bad_input_test.py BUILD [unittest's options and names]     BUILD: of CMake, with the workers
"""

import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = Path()
SCRIPTS = ("regress", "faults")
FIRST = 987_654_321_000  # no one else's seeds, and so a state of this test alone


class BadInput(unittest.TestCase):
    """Each for scripts/regress and scripts/faults."""

    def command(self, script: str, *arguments: str) -> list[str]:
        """Of a run on the smallest device."""
        worker = BUILD / f"verif/{script}/systolith_{script}"
        return [sys.executable, str(ROOT / "scripts" / script), "--worker", str(worker), *arguments]

    def remove(self, folder: Path, pattern: str) -> None:
        """What a run left."""
        for path in folder.glob(pattern):
            path.unlink()

    def test_counts_seeds_and_configurations(self) -> None:
        """Exit status 2 and what may be written."""
        for message, arguments in {
            "'0' is no number of seeds: write 1 or more": ("-n", "0"),
            "'-1' is no number of seeds: write 1 or more": ("-n", "-1"),
            "'many' is no number of seeds: write 1 or more": ("-n", "many"),
            "'1.5' is no number of seeds: write 1 or more": ("-n", "1.5"),
            "'' is no number of seeds: write 1 or more": ("-n", ""),
            "10000001 seeds are too many at a time: write at most 10000000": ("-n", "10000001"),
            f"{10**30} seeds are too many at a time": ("-n", str(10**30)),
            "'-1' is no seed: write a number from 0 to 2^64 - 1": ("--seed=-1",),
            "'x' is no seed": ("--seed", "x"),
            f"'{1 << 64}' is no seed": ("--seed", str(1 << 64)),
            "the last one is past 2^64 - 1; choose a lower SEED or N": ("--seed", str((1 << 64) - 2), "-n", "3"),
            "no configuration 7x7; there are": ("--config", "4x4,7x7"),
            "'0' is no number of jobs": ("--jobs", "0"),
            f"{10**9} jobs are too many": ("--jobs", str(10**9)),
        }.items():
            for script in SCRIPTS:
                with self.subTest(script=script, arguments=arguments):
                    result = subprocess.run(
                        self.command(script, *arguments), capture_output=True, text=True, check=False, timeout=60
                    )
                    self.assertEqual(result.returncode, 2, result.stdout + result.stderr)
                    self.assertIn(message, result.stderr)
                    self.assertNotIn("Traceback", result.stderr)

    def test_a_million_seeds(self) -> None:
        """They begin at once, and Ctrl-C ends them; what is done is kept."""
        for script in SCRIPTS:
            with self.subTest(script=script):
                arguments = ("-n", "1000000", "--seed", str(FIRST), "--config", "tiny", "--jobs", "1")
                folder = ROOT / "build" / script
                state = f"*-{FIRST}-tiny.*"
                self.addCleanup(self.remove, folder, state)
                process = subprocess.Popen(
                    self.command(script, *arguments, "--fresh"),
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                )
                end = time.monotonic() + 60
                while not any(path.stat().st_size for path in folder.glob(state)):
                    self.assertLess(time.monotonic(), end)
                    self.assertIsNone(process.poll())
                    time.sleep(0.1)
                process.send_signal(signal.SIGINT)
                text = process.communicate(timeout=60)[0]
                self.assertEqual(process.returncode, 130, text)
                self.assertRegex(text, r"[1-9]\d* of 1000000 seeds done, 0 failed")
                self.assertIn("interrupted; the same command goes on", text)


if __name__ == "__main__":
    BUILD = Path(sys.argv.pop(1)).resolve()
    unittest.main()
