#!/usr/bin/env python3
"""Breaks the code on purpose, one place at a time, and looks whether a test notices.

    python3 tests/breakages/run.py                     every breakage of the lists beside this file
    python3 tests/breakages/run.py softmax slots       those whose list, file or description holds one of these words
    python3 tests/breakages/run.py --sample 12         as many, drawn at random; --seed N draws the same ones again
    python3 tests/breakages/run.py --check             only whether each finds the text that it changes, and its test

A breakage is a table of a TOML list:

    [[breakage]]
    what = "tanh: the low part of 1 - e^-2x is dropped"
    file = "src/kernels/exp.rs"
    old = "the text to be replaced, which stands there once"
    new = "what stands there instead"
    test = "--lib kernels::exp"                        what `cargo test` is told; it must fail
    processor = "avx512f"                              only where /proc/cpuinfo has this flag; skipped elsewhere

It works in a copy of what git tracks. First the tests named must pass there: one that fails anyway notices nothing. A
breakage that its test doesn't notice is a survivor: the script names it and fails. One that doesn't compile, or whose
text is gone, fails too: the list has to follow the code. A test that doesn't end within five minutes has noticed. One
that needs what this processor lacks is named and not tried.
"""
import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# for one test
SECONDS = 300


def breakages():
    for path in sorted(HERE.glob("*.toml")):
        for entry in tomllib.loads(path.read_text())["breakage"]:
            yield {"list": path.stem, **entry}


def tests_exist(arguments):
    """Whether there is something to run: the program, and in it a module or a test of that name."""
    words = arguments.split()
    if words[0] == "--doc":
        return True
    if words[0] == "--lib":
        folder, filters = ROOT / "src", words[1:]
    else:
        folder, filters = ROOT / "tests" / words[1], words[2:]
        if not (folder / "main.rs").is_file():
            return False
    names = [name for filter in filters if not filter.startswith("-") for name in filter.split("::") if name]
    sources = list(folder.rglob("*.rs"))
    if words[1:2] == ["examples"]:
        # that program holds modules of the examples, with their tests
        sources += (ROOT / "examples").rglob("*.rs")
    # a filter is any part of a path; files are modules, and folders too
    modules = " ".join(path.relative_to(ROOT).as_posix() for path in sources)
    text = None
    for name in names:
        if name in modules:
            continue
        text = text or "".join(path.read_text() for path in sources)
        if not re.search(rf"\b(fn|mod) \w*{re.escape(name)}", text):
            return False
    return True


def copy(to):
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)


def broken(text, entry):
    """The text with the breakage in it, or what is wrong with the list."""
    count = text.count(entry["old"])
    if count != 1:
        raise ValueError(f"its text stands {count} times in {entry['file']}")
    return text.replace(entry["old"], entry["new"])


def cargo(folder, target, *arguments, seconds=None):
    """Gives exit code, output and messages; the exit code is None where it took longer."""
    environment = {**os.environ, "CARGO_TARGET_DIR": str(target)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    # in a session of its own, so that a test that never ends goes with its cargo
    run = subprocess.Popen(["cargo", *arguments], cwd=folder, env=environment, start_new_session=True, **pipes)
    try:
        out, messages = run.communicate(timeout=seconds)
        return run.returncode, out, messages
    except subprocess.TimeoutExpired:
        os.killpg(run.pid, signal.SIGKILL)
        run.communicate()
        return None, "", ""


def test(folder, target, arguments):
    """Whether it passes: True, False, or what is wrong."""
    words = arguments.split()
    kind = words[:1] if words[0] in ("--lib", "--doc") else words[:2]
    # examples in the documentation are compiled as they run
    steps = [["build"] if kind == ["--doc"] else ["test", "--no-run", *kind]]
    # tests of the examples run what was built before
    if kind == ["--test", "examples"]:
        steps.insert(0, ["build", "--examples"])
    for step in steps:
        code, _, messages = cargo(folder, target, *step)
        if code != 0:
            return "doesn't compile:\n" + messages[-2000:]
    code, out, _ = cargo(folder, target, "test", *words, seconds=SECONDS)
    if code == 0 and "test result: ok. 0 passed" in out:
        return "no such test"
    return code == 0


def runs_here(entry):
    """Whether the code that it breaks runs on this processor."""
    flag = entry.get("processor")
    information = Path("/proc/cpuinfo")
    return flag is None or (information.is_file() and flag in information.read_text().split())


def outcome(entry, folder, target):
    """Breaks, tests and mends. Gives `caught`, or what is wrong."""
    path = folder / entry["file"]
    sound = path.read_text()
    path.write_text(broken(sound, entry))
    try:
        passed = test(folder, target, entry["test"])
    finally:
        # written anew, so that it is newer than what was built of the broken one
        path.write_text(sound)
    if isinstance(passed, str):
        return passed
    return "SURVIVES" if passed else "caught"


def chosen(arguments):
    found = list(breakages())
    if arguments.words:
        text = lambda entry: f"{entry['list']} {entry['file']} {entry['what']}"
        found = [entry for entry in found if any(word in text(entry) for word in arguments.words)]
    if arguments.sample is not None:
        print(f"seed {arguments.seed}")
        found = random.Random(arguments.seed).sample(found, min(arguments.sample, len(found)))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("words", nargs="*")
    parser.add_argument("--sample", type=int)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    entries, wrong = chosen(arguments), 0
    if not entries:
        sys.exit("no breakage fits these words")
    if arguments.check:
        for entry in entries:
            try:
                broken((ROOT / entry["file"]).read_text(), entry)
                if not tests_exist(entry["test"]):
                    raise ValueError(f"no such test: {entry['test']}")
            except (OSError, ValueError) as error:
                wrong += 1
                print(f"{entry['list']}: {entry['what']}: {error}")
        print(f"{len(entries)} breakages, {wrong} of them out of date")
        return 1 if wrong else 0
    for entry in entries:
        if not runs_here(entry):
            print(f"SKIPPED {entry['list']}: {entry['what']}: this processor has no {entry['processor']}")
    entries = [entry for entry in entries if runs_here(entry)]
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "breakages"
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        copy(folder)
        # a list in this order builds each test once
        for arguments in sorted({entry["test"] for entry in entries}):
            passed = test(folder, target, arguments)
            if passed is not True:
                sys.exit(f"cargo test {arguments}: {passed or 'fails without any breakage'}")
        for entry in entries:
            try:
                found = outcome(entry, folder, target)
            except ValueError as error:
                found = str(error)
            wrong += found != "caught"
            print(f"{entry['list']}: {entry['what']}: {found}", flush=True)
    print(f"{len(entries)} breakages, {len(entries) - wrong} caught")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
