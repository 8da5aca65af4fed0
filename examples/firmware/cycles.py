#!/usr/bin/env python3
"""Modelled Cortex-M4 cycles of training steps and of predictions: `./cycles.py [release|small [lstm] [speed]]`. With
`speed` the library is built with `--cfg=rnnlm_speed`. Fails beyond LIMITS.

QEMU runs one instruction at a time and names its address; the costs are those of Arm's Cortex-M4 Technical Reference
Manual ("Instruction set summary" and "FPU instruction set") with memory that never waits:

    fused multiply-add 3; division and square root 14; other arithmetic on floats 1, and 1 more where the next
    instruction uses what it gives; loads and stores of a list 1 + words, of one float 2, of a pair 3; a load 2, or 1
    behind another load; a store 1; a moved pair of floats 2; a long or accumulating multiplication 1 or 2, a division
    of integers 7 (2 to 12); all else 1; a branch that is taken 2 more (1 to 3).

It is a model: hardware has flash with wait states, and caches. Needs qemu-system-arm and an objdump that reads Arm.
"""
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

TARGET = "thumbv7em-none-eabihf"
# at opt-level 3
LIMITS = {
    "training step": 477_000,
    "prediction with its top 3": 25_050,
    "training step of an LSTM": 1_146_000,
    "prediction of an LSTM with its top 3": 60_200,
}
LIMITS_WITH_SPEED = {**LIMITS, "training step": 465_000}
# of V=D=H=15 over V=D=H=16, per multiply-add
LEFT_OVER, LEFT_OVER_WITH_SPEED = 1.34, 1.3
QEMU = "qemu-system-arm -M mps2-an386 -nographic -monitor none -serial none -icount shift=6".split()
QEMU += "-semihosting-config enable=on,target=native -singlestep -d exec,nochain -D /dev/stderr -kernel".split()


def words(operands):
    """The words of a list of registers."""
    count = 0
    for part in re.search(r"\{(.*)\}", operands)[1].split(","):
        first, _, last = part.strip().partition("-")
        registers = int(last[1:]) - int(first[1:]) + 1 if last else 1
        count += registers * (2 if first[0] == "d" else 1)
    return count


def cost(name, operands, before):
    """The cycles of an instruction, without what a taken branch adds."""
    if re.match(r"vfn?m[as]|vn?ml[as]", name):
        return 3
    if re.match(r"vdiv|vsqrt", name):
        return 14
    if "{" in operands and re.match(r"v?(ldm|stm|push|pop)", name):
        return 1 + words(operands)
    if re.match(r"vldr|vstr", name):
        return 2
    if name == "vmov" and operands.count(",") >= 2:
        return 2
    if re.match(r"ldrd|strd", name):
        return 3
    if name.startswith("ldr"):
        return 1 if re.match(r"v?ldr", before) else 2
    if re.match(r"ml[as]", name):
        return 2
    return 7 if re.match(r"[us]div", name) else 1


def waits(name, operands, next_operands):
    """Whether the next instruction waits for what this one, arithmetic on floats, gives."""
    if not re.match(r"v(add|sub|n?mul|cvt|fn?m[as]|ml[as])", name):
        return False
    gives = operands.split(",")[0].strip()
    return re.search(rf"\b{gives}\b", next_operands) is not None


def program(elf):
    """Address -> name, operands, length; and the names of functions."""
    objdump = shutil.which("arm-none-eabi-objdump") or shutil.which("llvm-objdump") or sys.exit("no objdump is here")
    out = subprocess.run([objdump, "-d", "-C", elf], check=True, capture_output=True, text=True).stdout
    code, starts, function = {}, {}, ""
    for line in out.splitlines():
        if head := re.match(r"([0-9a-f]+) <(.*)>:", line):
            function = head[2]
            starts[function] = int(head[1], 16)
        elif found := re.match(r"\s*([0-9a-f]+):\s+((?:[0-9a-f]{4,8} ?)+)\s+(\S+)\s*([^;@]*)", line):
            length = len(found[2].replace(" ", "")) // 2
            code[int(found[1], 16)] = (found[3].removesuffix(".n").removesuffix(".w"), found[4], length, function)
    return code, starts


def sections(elf, code, starts):
    """Instructions and cycles of each section between marks, by function; and what the program prints."""
    run = subprocess.Popen([*QEMU, elf], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    found, counts, previous = [], None, None
    for line in run.stderr:
        at = re.match(r"Trace .*\[\w+/(\w+)/", line)
        if not at:
            continue
        address = int(at[1], 16)
        if address == starts["begin"]:
            counts, previous = Counter(), None
        elif address == starts["end"]:
            found.append(counts)
            counts = None
        if counts is None or address not in code:
            continue
        name, operands, length, function = code[address]
        before = ""
        if previous is not None:
            before, before_operands, before_length, before_function = code[previous]
            counts[before_function] += 2 * (address != previous + before_length)
            counts[before_function] += waits(before, before_operands, operands)
        counts["instructions"] += 1
        counts[function] += cost(name, operands, before)
        previous = address
    said = run.stdout.read().splitlines()
    if run.wait() != 0 or not found or len(found) != len(said):
        sys.exit("the program did not run between its marks")
    return [(*line.split("|"), counts) for line, counts in zip(said, found)]


def main():
    profile = sys.argv[1] if len(sys.argv) > 1 else "release"
    folder = Path(__file__).resolve().parent
    target = folder / os.environ.get("CARGO_TARGET_DIR", "target")
    built = ["cargo", "build", "-q", "--profile", profile, "--target", TARGET, "--target-dir", str(target)]
    speed = "speed" in sys.argv[2:]
    built += [f"--features={word}" for word in sys.argv[2:] if word != "speed"]
    if speed:
        # beside the flags that the target has
        built += ["--config", f'target.{TARGET}.rustflags=["--cfg=rnnlm_speed"]']
    limits, most_left_over = (LIMITS_WITH_SPEED, LEFT_OVER_WITH_SPEED) if speed else (LIMITS, LEFT_OVER)
    subprocess.run([*built, "--bin", "cycles"], cwd=folder, check=True)
    elf = str(target / TARGET / profile / "cycles")
    per_product, beyond = {}, False
    for what, products, counts in sections(elf, *program(elf)):
        instructions = counts.pop("instructions")
        cycles = sum(counts.values())
        per_product[what] = cycles / int(products)
        print(f"{what}: {cycles} cycles, {instructions} instructions, {per_product[what]:.2f} cycles per multiply-add")
        for function, cycles_there in counts.most_common(6):
            print(f"{cycles_there:10} {cycles_there / int(products):6.2f} {function[:100]}")
        if profile == "release" and cycles > limits.get(what, cycles):
            print(f"more than {limits[what]}")
            beyond = True
    left_over = per_product["training step of V=D=H=15"] / per_product["training step of V=D=H=16"]
    print(f"V=D=H=15 over V=D=H=16, per multiply-add: {left_over:.2f}")
    sys.exit(beyond or left_over > most_left_over)


main()
