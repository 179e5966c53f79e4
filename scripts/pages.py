"""Measured pages of docs/: tables, and sections that a script writes anew together with the commit they belong to."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table that reads as well in a terminal: the first column to the left, the others to the right."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |"

    rule = f"|{'-' * (widths[0] + 2)}|" + "".join(f"{'-' * (width + 1)}:|" for width in widths[1:])
    return "\n".join([line(header), rule, *(line(row) for row in rows)])


def commit() -> str:
    """The checked-out commit, and whether anything but docs/ differs from it."""

    def git(*arguments: str) -> str:
        run = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
        return run.stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs")
    return git("rev-parse", "--short=10", "HEAD") + (" with local changes" if changed else "")


def section(page: Path, name: str) -> tuple[str, str, str]:
    """What is before, between and behind the page's two marks of this name; exits when they are not there."""
    begin, end = (f"<!-- {mark} {name} -->" for mark in ("begin", "end"))
    content = page.read_text()
    if content.count(begin) != 1 or content.count(end) != 1:
        raise SystemExit(f"{page}: needs one '{begin}' and one '{end}', between which the figures go")
    head, rest = content.split(begin)
    middle, tail = rest.split(end)
    return f"{head}{begin}\n", middle, f"{end}{tail}"


def section_rows(page: Path, name: str) -> list[list[str]]:
    """The cells of the table in a section, without its header."""
    lines = [line for line in section(page, name)[1].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def write_section(page: Path, name: str, text: str, *, dated: bool = True) -> None:
    """Replaces a section of the page; `dated`: the commit goes above it."""
    head, _, tail = section(page, name)
    above = f"Commit {commit()}.\n\n" if dated else ""
    page.write_text(f"{head}{above}{text.strip()}\n{tail}")
