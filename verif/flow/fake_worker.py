#!/usr/bin/env python3
"""A worker that runs seeds as the real one does, but for some of them: for tests of the scripts that run workers.

FAKE_WORKER=REAL names the real one; FAKE_SEEDS is "what=seed,what=seed": fail (a difference that isn't there), crash,
hang, noise (a crash that prints what is no text).
"""

import json
import os
import subprocess
import sys
import time

DIFFERENCE = {
    "kind": "memory",
    "text": f"memory at 0x80050000: device <1> & model 2; {'many ' * 20}bytes differ",  # longer than a line
    "command": 1,
    "unit": "store",
    "statement": "store space=scratchpad",
    "cycle": 2000,
}


def serve(real: list[str], planned: dict[int, str]) -> None:
    """Seeds from the standard input, one a line."""
    with subprocess.Popen(real, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdin and worker.stdout
        for line in sys.stdin:
            what = planned.get(int(line))
            if what in ("crash", "noise"):
                sys.stderr.buffer.write(b"out of luck\n" if what == "crash" else b"\x00\xff\x1b[1m\n")
                sys.stderr.flush()
                os._exit(9)
            if what == "hang":
                worker.terminate()
                time.sleep(600)
            worker.stdin.write(line)
            worker.stdin.flush()
            answer = json.loads(worker.stdout.readline())
            if what == "fail":
                answer |= {"result": "fail", "difference": DIFFERENCE}
            print(json.dumps(answer), flush=True)


def shrink(real: str, arguments: list[str]) -> None:
    """`--shrink SEED -o FILE`: the whole program is what is left."""
    at = arguments.index("--shrink")
    seed, path = arguments[at + 1], arguments[at + 3]
    command = [real, "--explain", seed, *arguments[at + 4 :]]
    with open(path, "w") as file:  # noqa: PTH123  # one import less
        subprocess.run(command, stdout=file, check=True)
    print(json.dumps({"file": path, "commands": 7, "difference": DIFFERENCE}))


def main() -> int:
    """Entry point."""
    real, arguments = os.environ["FAKE_WORKER"], sys.argv[1:]
    planned = {}
    for entry in os.environ.get("FAKE_SEEDS", "").split(","):
        what, _, seed = entry.partition("=")
        if what:
            planned[int(seed)] = what
    if "--shrink" in arguments:
        shrink(real, arguments)
    elif "--work" in arguments:
        serve([real, *arguments], planned)
    else:
        return subprocess.run([real, *arguments], check=False).returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
