"""A console in a kernel that is kept: each line, or group of lines, is executed there, and its outputs are printed. Without a
terminal, all of standard input is executed at once.

    console.py CONNECTION_FILE KERNEL_PID

Ctrl-C interrupts what is executed. Ctrl-D, exit and quit leave; the kernel stays.

Needs Python 3.8 or later and jupyter_client 6 or later, as the driver does, and no jupyter_console, which is seldom installed.
"""
import os
import queue
import signal
import sys
from typing import Any, Dict, List, Optional

try:
    import readline  # noqa: F401  gives input() a history, and keys that edit
except ImportError:
    pass

from jupyter_client.blocking import BlockingKernelClient

REPLY_S = 10  # how long the kernel may take for a reply that needs no computation


def read_code(client: Any) -> Optional[str]:
    """What the user types until the kernel finds it complete, or an empty line ends it. None to leave."""
    lines: List[str] = []
    while True:
        try:
            line = input("... " if lines else ">>> ")
        except EOFError:
            print()
            return None
        except KeyboardInterrupt:
            print()
            return ""
        lines.append(line)
        code = "\n".join(lines)
        if line.strip() == "" or is_complete(client, code):
            return code


def is_complete(client: Any, code: str) -> bool:
    """Whether the kernel expects no further line. One that does not say it in time is busy, and takes the code as it is."""
    asked = client.is_complete(code)
    try:
        while True:
            reply = client.get_shell_msg(timeout=REPLY_S)
            if reply["parent_header"].get("msg_id") == asked:
                return bool(reply["content"]["status"] != "incomplete")
    except queue.Empty:
        return True


def show(message: Dict[str, Any]) -> None:
    kind, content = message["msg_type"], message["content"]
    if kind == "stream":
        (sys.stderr if content["name"] == "stderr" else sys.stdout).write(content["text"])
    elif kind in ("display_data", "execute_result"):
        data = content["data"]
        print(data.get("text/plain", "(%s)" % ", ".join(sorted(data))))
    elif kind == "error":
        print("\n".join(content["traceback"]))
    sys.stdout.flush()


def execute(client: Any, code: str, kernel: int) -> bool:
    """Executes code, and prints its outputs. An interrupt goes to the kernel. Whether the code has raised no error."""
    before = signal.signal(signal.SIGINT, lambda *_: os.kill(kernel, signal.SIGINT))
    try:
        reply = client.execute_interactive(code, allow_stdin=False, output_hook=show)
        return bool(reply["content"]["status"] == "ok")
    finally:
        signal.signal(signal.SIGINT, before)


def main(connection_file: str, kernel: int) -> int:
    client = BlockingKernelClient(connection_file=connection_file)
    client.load_connection_file()
    client.start_channels(stdin=False, hb=False)
    try:
        client.wait_for_ready(timeout=REPLY_S)
    except RuntimeError:
        print("the kernel does not respond", file=sys.stderr)
        return 1
    try:
        if not sys.stdin.isatty():
            return 0 if execute(client, sys.stdin.read(), kernel) else 1
        print("This is the kernel of the run, with its variables. Ctrl-D leaves it.")
        while True:
            code = read_code(client)
            if code is None or code.strip() in ("exit", "quit", "exit()", "quit()"):
                return 0
            if code.strip():
                execute(client, code, kernel)
    except ProcessLookupError:
        print("the kernel has ended", file=sys.stderr)
        return 1


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: console.py CONNECTION_FILE KERNEL_PID")
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
