#!/usr/bin/env python3
"""Simfra's one command. Uses only the standard library until the virtual environment exists.

    python3 manage.py up [--provision] [--detach]     start everything
    python3 manage.py down                            stop it, remove every container and network of this instance
    python3 manage.py reset [--yes]                   down, and wipe the state
    python3 manage.py doctor                          what is missing on this machine, and how to mend it
    python3 manage.py connect [TARGET [PORT]]         how to reach tasks from this machine; make a way to one
    python3 manage.py test [--provision] [...]        run the tests; further arguments are pytest's
    python3 manage.py install                         only make the virtual environment

Everything else is a command of Django's (migrate, makemigrations, shell, ...).
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
OLDEST_PYTHON = (3, 11)
STACK_COMMANDS = ("up", "down", "reset", "doctor", "test")


def main(arguments):
    command = arguments[0] if arguments else "help"
    if command in ("help", "-h", "--help") and len(arguments) < 2:
        print(__doc__.strip())
        return 0
    if sys.version_info < OLDEST_PYTHON:
        print(f"Simfra needs Python {OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]} or newer; this is {sys.version.split()[0]}.")
        return 1
    install_requirements("requirements-dev.txt" if command == "test" else "requirements.txt", arguments)
    if command == "install":
        return 0
    if Path(sys.prefix).resolve() != ENVIRONMENT.resolve():
        os.execv(PYTHON, [str(PYTHON), str(ROOT / "manage.py"), *arguments])
    if command in STACK_COMMANDS:
        from simfra.stack import commands

        return commands.run(command, arguments[1:])
    return django(arguments)


def django(arguments):
    """Run a command of Django's on this data directory's own servers, where the environment names no others."""
    from simfra.stack.instance import this_instance

    this_instance().adopt()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "simfra.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(["manage.py", *arguments])
    return 0


def install_requirements(file_name, arguments):
    """Make the virtual environment hold what a requirements file pins; costs nothing when it does already."""
    wanted = fingerprint(file_name)
    stamp = ENVIRONMENT / f"{file_name}.installed"
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    if not PYTHON.exists():
        print(f"Making a virtual environment in {ENVIRONMENT} ...", flush=True)
        make_environment(provision="--provision" in arguments)
    packages = sum(1 for line in requirement_lines(file_name) if line[0] not in "#-")
    print(f"Installing {packages} pinned packages and what they need from {file_name}: a minute or two.", flush=True)
    run_pip("install", "--requirement", str(ROOT / file_name))
    stamp.write_text(wanted)


def make_environment(provision):
    """A fresh virtual environment, also where Debian keeps the module for it in a package of its own."""
    command = [sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode == 0:
        return
    package = f"python3.{sys.version_info.minor}-venv"
    if provision and shutil.which("apt-get") and os.geteuid() == 0:
        print(f"This Python lacks venv: installing {package} with apt-get ...", flush=True)
        quiet = {"env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, "stdin": subprocess.DEVNULL}
        subprocess.run(["apt-get", "update", "-qq"], check=True, **quiet)
        subprocess.run(["apt-get", "install", "-qq", "-y", package], check=True, stdout=subprocess.DEVNULL, **quiet)
        made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        sys.exit(
            f"{made.stdout}{made.stderr}\nOn Debian and Ubuntu: apt-get install {package}, or --provision as root."
        )


def run_pip(*arguments):
    """Run pip and show, line by line, which package it is at; its whole output only when it fails."""
    process = subprocess.Popen(
        [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    output = []
    for line in process.stdout:
        output.append(line)
        words = line.split()
        if line.startswith("Collecting"):
            show_progress(f"  {re.split('[<>=!~;]', words[1])[0]}")
        elif line.startswith("Installing collected packages"):
            show_progress(f"  writing {line.count(',') + 1} packages")
    show_progress("")
    if process.wait() != 0:
        sys.exit("".join(output[-40:]) + "\npip failed; nothing was started.")


def show_progress(text):
    """One line that rewrites itself on a terminal, ordinary lines elsewhere."""
    if sys.stdout.isatty():
        print(f"\r\033[K{text}", end="", flush=True)
    elif text:
        print(text, flush=True)


def fingerprint(file_name):
    """Changes with the pins, with the files they include and with the Python they are installed for."""
    text = "\n".join(requirement_lines(file_name)) + f"\nPython {sys.version_info.major}.{sys.version_info.minor}"
    return hashlib.sha256(text.encode()).hexdigest()


def requirement_lines(file_name):
    """The lines of a requirements file, included files in place of their `-r` lines."""
    lines = []
    for line in (ROOT / file_name).read_text().splitlines():
        if line.startswith("-r "):
            lines += requirement_lines(line[3:].strip())
        elif line.strip():
            lines.append(line.strip())
    return lines


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
