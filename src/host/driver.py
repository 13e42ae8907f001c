"""Executes a notebook to its end, and keeps everything that it computes on disk meanwhile.

    driver.py FOLDER

FOLDER contains input.ipynb, and order.json (see `Order`). The driver writes there:

    output.ipynb    the notebook with its outputs, complete at every moment
    events          what happens, a JSON object in each line: see `Run`
    text            what the cells print
    kernel          PID and start time of the kernel
    kernel.log      what the kernel itself prints
    status          the exit status, when everything else is written

Exit status: 0 done, 1 failed, 2 unfit, 3 kernel-died, 4 timeout, 70 broken, 130 cancelled; 97 and no file if this Python
has no jupyter_client, so that the caller can try another one. TERM or INT cancel the run: the first one interrupts the
cell, a second one kills the kernel at once.

Needs Python 3.8 or later, jupyter_client 6 or later, and nbformat only for notebooks of a format before 4.
"""
import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
from datetime import datetime, timezone
from typing import Any, Callable, Dict, List, Optional, Set, Tuple, Union

try:
    import zmq
    from jupyter_client.kernelspec import NATIVE_KERNEL_NAME, KernelSpecManager, NoSuchKernel
    from jupyter_client.manager import KernelManager
    from jupyter_core.paths import jupyter_path
except ImportError:
    sys.exit(97)

Json = Dict[str, Any]

STATUS = {"done": 0, "failed": 1, "unfit": 2, "kernel-died": 3, "timeout": 4, "broken": 70, "cancelled": 130}

LOOK_S = 0.25  # how often signals, time limits and the kernel's process are checked
ASK_S = 2  # a kernel that reports nothing for so long after its reply is asked for another report
LOST_IDLE_S = 300  # how long that report is awaited: after this process was stopped, TCP may try again only every two minutes
REPLY_S = 30  # the same for a reply that does not follow it
LATE_S = 0.2  # how long the output of threads is awaited at the end
SAVE_EVERY_S, SAVE_SHARE = 5, 10  # between two saves, at least so many times the duration of the last one
SLOW_CELL_S = 1  # the notebook is saved after a cell that took longer
PIECE = 1_000_000  # characters of a text that are handled at once: each step copies them
LINE = 200  # characters of a title or of an error in an event
SHOWN_PARAMETERS = 2000  # the most characters of parameters in an event

# Signals that ask the run to end, in the order in which they came.
signals: List[int] = []
monotonic = time.monotonic


class Ended(Exception):
    """The end of the run: its state, and what else its event `end` says."""

    def __init__(self, state: str, **words: str) -> None:
        super().__init__(state)
        self.state, self.words = state, words


class Order:
    """What is asked: order.json. Durations are in seconds, sizes in characters."""

    def __init__(self, path: str) -> None:
        with open(path, encoding="utf-8") as file:
            order: Json = json.load(file)
        self.kernel: str = order.get("kernel") or ""  # empty: the notebook's own
        self.cwd: Optional[str] = order.get("cwd") or None
        self.parameters: Json = order.get("parameters") or {}
        self.cell_timeout: float = order.get("cell_timeout") or 0  # 0: none
        self.allow_errors: bool = order.get("allow_errors", False)
        self.keep_kernel: float = order.get("keep_kernel") or 0  # how long the kernel of a failed run stays
        self.then_command: str = order.get("then_command") or ""  # a shell command, run at the end with RUN, STATE and EXIT
        self.notebook: str = order.get("notebook") or ""  # as the user wrote it
        self.startup_timeout: float = order.get("startup_timeout", 120)
        self.shutdown_timeout: float = order.get("shutdown_timeout", 30)
        self.grace: float = order.get("grace", 10)  # between the interrupt of a cell and the kill of its kernel
        self.save_every: float = order.get("save_every", SAVE_EVERY_S)
        self.output_limit: int = order.get("output_limit", 10_000_000)  # printed text of a cell in the notebook
        self.display_limit: int = order.get("display_limit", 100_000_000)  # pictures and the like of a cell
        self.text_limit: int = order.get("text_limit", 100_000_000)  # of the file `text`


# ---------------------------------------------------------------- files that only grow


def private(path: str, flags: int) -> int:
    """For `open`: a new file is for this user alone. The umask is the user's, because the cells write files, too."""
    return os.open(path, flags, 0o600)


class Journal:
    """A file that only grows. What does not fit on a full disk waits here, up to a limit; the rest is counted."""

    def __init__(self, path: str, kept: int) -> None:
        self.path, self.kept = path, kept
        self.fd: Optional[int] = None
        self.waiting = bytearray()
        self.lost = 0

    def write(self, text: str) -> None:
        data = text.encode("utf-8", "replace")
        if self.lost:
            self.lost += len(data)
            return
        self.waiting += data
        if not self.flush() and len(self.waiting) > self.kept:
            self.lost = len(self.waiting) - self.kept
            del self.waiting[self.kept:]

    def flush(self) -> bool:
        """Whether everything is written. What was written in part goes on at its next byte."""
        if not self.waiting and not self.lost:
            return True
        try:
            if self.fd is None:
                self.fd = private(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC)
            while self.waiting:
                del self.waiting[: os.write(self.fd, self.waiting[: 1 << 20])]
        except OSError:
            return False
        if self.lost:
            self.waiting += b"\n... %d bytes are missing here: there was no room to write them ...\n" % self.lost
            self.lost = 0
            return self.flush()
        return True


class Text:
    """The file `text`: everything that the cells print, up to a limit."""

    def __init__(self, path: str, limit: int) -> None:
        self.journal = Journal(path, 1_000_000)
        self.room = limit
        self.at_start = True  # of a line

    def title(self, words: str) -> None:
        self.journal.write(("" if self.at_start else "\n") + words + "\n")
        self.at_start = True

    def add(self, words: str) -> None:
        if not words or self.room < 0:
            return
        if len(words) > self.room:
            words = words[: self.room] + "\n... The rest is not in this log, which has reached its limit ...\n"
            self.room = -1
        else:
            self.room -= len(words)
        self.journal.write(words)
        self.at_start = words.endswith("\n")


class KernelLog:
    """The file `kernel.log`: the beginning of what the kernel itself prints, and in memory its end.

    It comes through a pipe, since a kernel whose output cannot be written on a full disk would die."""

    def __init__(self, path: str) -> None:
        self.journal, self.room, self.tail = Journal(path, 100_000), 10_000_000, ""
        self.reader: Optional[threading.Thread] = None

    def pipe(self) -> int:
        """The end of the pipe for the kernel."""
        source, target = os.pipe()
        self.reader = threading.Thread(target=self.copy, args=(source,), daemon=True)
        self.reader.start()
        return target

    def copy(self, source: int) -> None:
        for data in iter(lambda: os.read(source, 1 << 16), b""):
            text = data.decode("utf-8", "replace")
            self.tail = (self.tail + text)[-4096:]
            if self.room > 0:
                self.journal.write(text)
                self.room -= len(text)
        os.close(source)

    def last_line(self) -> str:
        if self.reader:
            # Other processes may still have the pipe.
            self.reader.join(LATE_S)
        return next((line.strip() for line in reversed(self.tail.split("\n")) if line.strip()), "")[:LINE]


# ---------------------------------------------------------------- the outputs of a cell


def overwritten(line: str) -> str:
    """What a terminal shows of a line after its carriage returns and backspaces."""
    while "\b" in line:
        shorter = re.sub("[^\b]\b", "", line)
        line = shorter if shorter != line else line.replace("\b", "")
    if "\r" not in line:
        return line
    shown = ""
    for each in line.split("\r"):
        shown = each + shown[len(each):]
    return shown


class Stream:
    """What a cell prints to standard output or standard error without a break."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: List[str] = []  # complete ones, in pieces of any size
        self.line: List[str] = []  # the pieces of the last one
        self.size = 0

    def add(self, words: str) -> None:
        before = self.size
        head, newline, tail = words.rpartition("\n")
        if newline:
            self.push("".join(self.line) + head + newline)
            self.line, self.size = [], self.size - sum(map(len, self.line))
        if tail:
            self.line.append(tail)
            self.size += len(tail)
            if "\r" in tail or "\b" in tail:
                # A return at the end concerns what comes next.
                line = "".join(self.line)
                self.line = [overwritten(line.rstrip("\r")) + ("\r" if line.endswith("\r") else "")]
                self.size += len(self.line[0]) - len(line)
        self.grown = self.size - before

    def push(self, lines: str) -> None:
        if "\r" in lines or "\b" in lines:
            lines = "\n".join(overwritten(line.rstrip("\r")) for line in lines.split("\n"))
        self.lines.append(lines)
        self.size += len(lines)

    def text(self) -> str:
        return "".join(self.lines) + "".join(self.line)

    def replace(self, text: str) -> None:
        head, newline, tail = text.rpartition("\n")
        self.lines, self.line, self.size = [head + newline], [tail], len(text)

    def on_disk(self) -> Json:
        return {"output_type": "stream", "name": self.name, "text": self.text().rstrip("\r").splitlines(True)}


class Gap(Stream):
    """Stands for the middle of what a cell printed, if that is too long."""

    def __init__(self) -> None:
        super().__init__("stderr")
        self.omitted = 0

    def on_disk(self) -> Json:
        words = "\n... %d characters that this cell printed are left out here; see the log of the run ...\n" % self.omitted
        return {"output_type": "stream", "name": self.name, "text": words.splitlines(True)}


Output = Union[Stream, Json]


class Outputs:
    """The outputs of one cell: as the kernel reports them, within limits that are visible in the notebook."""

    def __init__(self, order: Order) -> None:
        self.limit, self.display_limit = order.output_limit, order.display_limit
        self.clears = False  # what comes next replaces everything
        self.empty()

    def empty(self) -> None:
        self.items: List[Output] = []
        self.size = self.displayed = 0
        self.gap: Optional[Gap] = None

    def begin(self) -> None:
        """Called before each output."""
        if self.clears:
            self.clears = False
            self.empty()

    def clear(self, wait: bool) -> None:
        if wait:
            self.clears = True
        else:
            self.empty()

    def stream(self, name: str, words: str) -> None:
        self.begin()
        last = self.items[-1] if self.items else None
        if not isinstance(last, Stream) or isinstance(last, Gap) or last.name != name:
            last = Stream(name)
            self.items.append(last)
        last.add(words)
        self.size += last.grown
        if self.size > self.limit * 3 // 2:
            self.shorten()

    def shorten(self) -> None:
        """Leaves the beginning and the end of what the cell printed, each of half the limit."""
        half = self.limit // 2
        if self.gap is None:
            at, index = half, 0
            for index, item in enumerate(self.items):
                if isinstance(item, Stream):
                    if item.size > at:
                        break
                    at -= item.size
            cut = self.items[index]
            assert isinstance(cut, Stream)
            text = cut.text()
            self.gap, rest = Gap(), Stream(cut.name)
            cut.replace(text[:at])
            rest.replace(text[at:])
            self.items[index + 1:index + 1] = [self.gap, rest]
        start = self.items.index(self.gap) + 1
        excess = sum(item.size for item in self.items[start:] if isinstance(item, Stream)) - half
        for item in self.items[start:]:
            if isinstance(item, Stream) and excess > 0:
                text = item.text()
                item.replace(text[excess:])
                self.gap.omitted += len(text) - item.size
                excess -= len(text) - item.size
        self.items[start:] = [item for item in self.items[start:] if not isinstance(item, Stream) or item.size]
        self.size = sum(item.size for item in self.items if isinstance(item, Stream))

    def add(self, output: Json) -> None:
        self.begin()
        self.items.append(output)
        if "data" in output:
            self.fit(output)

    def update(self, output: Json, data: Json, metadata: Json) -> None:
        """Replaces what one of its displays shows."""
        self.displayed -= size_of(output["data"])
        output["data"], output["metadata"] = data, metadata
        self.fit(output)

    def fit(self, output: Json) -> None:
        """Replaces data that are too large by a line that says so."""
        size = size_of(output["data"])
        if self.displayed + size > self.display_limit:
            kinds = ", ".join(sorted(output["data"]))
            words = "... %s of %d characters is left out here: this cell displays too much ..." % (kinds, size)
            output["data"], output["metadata"] = {"text/plain": words}, {}
        self.displayed += size_of(output["data"])

    def on_disk(self) -> List[Json]:
        return [item.on_disk() if isinstance(item, Stream) else in_lines(item) for item in self.items]


def size_of(data: Json) -> int:
    """The characters of what a display shows, in all its kinds."""
    return sum(len(value if isinstance(value, str) else json.dumps(value)) for value in data.values())


def in_lines(output: Json) -> Json:
    """An output with its texts in lines, as nbformat writes them."""
    def split(kind: str, value: Any) -> Any:
        is_text = kind.startswith("text/") or kind in ("image/svg+xml", "application/javascript")
        return value.splitlines(True) if is_text and isinstance(value, str) else value
    if "data" not in output:
        return output
    return {**output, "data": {kind: split(kind, value) for kind, value in output["data"].items()}}


# ---------------------------------------------------------------- the notebook


def source_of(cell: Json) -> str:
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)


def tags_of(cell: Json) -> List[str]:
    tags = cell.get("metadata", {}).get("tags", [])
    return tags if isinstance(tags, list) else []


def title_of(cell: Json) -> str:
    return next((line.strip() for line in source_of(cell).split("\n") if line.strip()), "")[:LINE]


def read_notebook(path: str) -> Json:
    try:
        with open(path, encoding="utf-8-sig") as file:
            notebook = json.load(file)
    except (ValueError, RecursionError) as error:
        raise Ended("unfit", why="it is not a notebook: %s" % error)
    if not isinstance(notebook, dict) or not isinstance(notebook.get("nbformat"), int):
        raise Ended("unfit", why="it is not a notebook: it does not contain the number of its format, nbformat")
    if notebook["nbformat"] < 4:
        notebook = upgraded(path, notebook["nbformat"])
    cells = notebook.get("cells")
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise Ended("unfit", why="it is not a notebook: it has no list of cells")
    notebook.setdefault("metadata", {})
    checked: Json = notebook
    return checked


def upgraded(path: str, version: int) -> Json:
    try:
        import nbformat
    except ImportError:
        raise Ended("unfit", why="it has the old format %d, for which nbformat must be installed there" % version)
    try:
        text: str = nbformat.writes(nbformat.read(path, as_version=4))
    except Exception as error:
        raise Ended("unfit", why="it has the old format %d, which nbformat cannot convert: %s" % (version, error))
    notebook: Json = json.loads(text)
    return notebook


def set_parameters(notebook: Json, parameters: Json) -> List[str]:
    """Adds a cell with the parameters, as papermill does. Returns notes for the user."""
    cells, notes = notebook["cells"], []
    lines = ["# Parameters"] + ["%s = %r" % (name, value) for name, value in parameters.items()]
    cell: Json = {"cell_type": "code", "execution_count": None, "outputs": [], "source": "\n".join(lines),
                  "metadata": {"tags": ["injected-parameters"]}}
    if (notebook["nbformat"], notebook.get("nbformat_minor", 0)) >= (4, 5):
        cell["id"] = "injected-parameters"
    tagged = {tag: index for index, each in reversed(list(enumerate(cells))) for tag in tags_of(each)}
    known = source_of(cells[tagged["parameters"]]) if "parameters" in tagged else ""
    if "parameters" not in tagged:
        notes.append("no cell has the tag parameters: they are set before the first cell")
    else:
        for name in parameters:
            if not re.search(r"(?m)^\s*%s\s*(:[^=\n]*)?=" % re.escape(name), known):
                notes.append("the notebook's cell with the tag parameters does not set %s" % name)
    if "injected-parameters" in tagged:
        cells[tagged["injected-parameters"]] = cell
    else:
        cells.insert(tagged["parameters"] + 1 if "parameters" in tagged else 0, cell)
    return notes


def dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True, separators=(",", ": "))


def encoded(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        # Jupyter could not save a notebook with half of a surrogate pair.
        return re.sub("[\ud800-\udfff]", "\ufffd", text).encode("utf-8")


class Book:
    """The notebook, and its file. The text of each cell is kept, so that a save formats only what has changed."""

    def __init__(self, notebook: Json, path: str, order: Order, event: Callable[..., None]) -> None:
        self.notebook, self.cells, self.path, self.order, self.event = notebook, notebook["cells"], path, order, event
        self.outputs: Dict[int, Outputs] = {}
        self.code = [index for index, cell in enumerate(self.cells) if self.is_executed(cell)]
        for index in self.code:
            cell = self.cells[index]
            cell["outputs"], cell["execution_count"] = [], None
            cell.setdefault("metadata", {}).pop("execution", None)
            cell["metadata"]["papermill"] = papermill_times()
        self.parts: List[bytes] = [b""] * len(self.cells)
        self.changed: Set[int] = set(range(len(self.cells)))
        self.is_saved = self.is_failing = False
        self.trouble = ""
        self.saved_at, self.took = monotonic(), 0.0

    @staticmethod
    def is_executed(cell: Json) -> bool:
        return cell.get("cell_type") == "code" and bool(source_of(cell).strip()) and "skip-execution" not in tags_of(cell)

    def touch(self, index: Optional[int] = None) -> None:
        if index is not None:
            self.changed.add(index)
        self.is_saved = False

    def save_if_due(self) -> None:
        if not self.is_saved and monotonic() - self.saved_at >= max(self.order.save_every, SAVE_SHARE * self.took):
            self.save()

    def save(self) -> bool:
        """Replaces the file in one step, so that it is complete at every moment. Whether there was room for it."""
        begun = monotonic()
        for index in self.changed:
            self.parts[index] = encoded("  " + dumps(self.on_disk(index)).replace("\n", "\n  "))
        self.changed.clear()
        rest = encoded(dumps({key: value for key, value in self.notebook.items() if key != "cells"}))
        try:
            with open(self.path + ".part", "wb", opener=private) as file:
                file.write(b'{\n "cells": [')
                for index, part in enumerate(self.parts):
                    file.write((b",\n" if index else b"\n") + part)
                file.write((b"\n ]," if self.parts else b"],") + rest[1:] + b"\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(self.path + ".part", self.path)
        except OSError as error:
            self.trouble = error.strerror or str(error)
            quietly(lambda: os.unlink(self.path + ".part"))
            if not self.is_failing:
                self.event("unsaved", why=self.trouble)
            self.is_failing, self.saved_at = True, monotonic()
            return False
        if self.is_failing:
            self.event("saved-again")
        self.is_failing, self.is_saved = False, True
        self.saved_at = monotonic()
        self.took = self.saved_at - begun
        return True

    def on_disk(self, index: int) -> Json:
        cell: Json = self.cells[index]
        return {**cell, "outputs": self.outputs[index].on_disk()} if index in self.outputs else cell


def quietly(action: Callable[[], Any]) -> None:
    try:
        action()
    except Exception:
        pass


def utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat()


def papermill_times(status: str = "pending", begun: Optional[float] = None, took: Optional[float] = None,
                    exception: Optional[bool] = None) -> Json:
    """Papermill's metadata of a cell. The clock may be set meanwhile, so the duration is measured by itself."""
    return {"status": status, "start_time": None if begun is None else utc(begun), "duration": took, "exception": exception,
            "end_time": None if begun is None or took is None else utc(begun + took)}


# ---------------------------------------------------------------- the kernel


class KernelSpecs(KernelSpecManager):  # type: ignore[misc]
    """Finds kernels without an import of IPython and ipykernel, which would take longer than all else before the kernel starts."""

    def __init__(self) -> None:
        own = os.path.expanduser(os.environ.get("IPYTHONDIR") or "~/.ipython")
        super().__init__(kernel_dirs=jupyter_path("kernels") + [os.path.join(own, "kernels")])

    def _get_kernel_spec_by_name(self, kernel_name: str, resource_dir: str) -> Any:
        if kernel_name == NATIVE_KERNEL_NAME and os.path.exists(os.path.join(resource_dir, "kernel.json")):
            return self.kernel_spec_class.from_resource_dir(resource_dir)
        return super()._get_kernel_spec_by_name(kernel_name, resource_dir)


def choose_kernel(specs: KernelSpecs, notebook: Json, wanted: str) -> Tuple[str, Any, List[str]]:
    """The name and the specification of the kernel, and notes. A notebook may come from a machine with other kernels."""
    said = notebook["metadata"].get("kernelspec") or {}
    language: str = said.get("language") or (notebook["metadata"].get("language_info") or {}).get("name") or "python"

    def spec_of(name: str) -> Any:
        try:
            return specs.get_kernel_spec(name)
        except (NoSuchKernel, ValueError, OSError):
            return None

    def is_of_language(name: str) -> bool:
        spec = spec_of(name)
        return spec is not None and str(spec.language).lower() == language.lower()

    name: str = wanted or said.get("name") or ""
    spec = spec_of(name) if name else None
    if spec is not None:
        return name, spec, []
    known = sorted(specs.find_kernel_specs())
    others = [] if wanted else (["python3"] if language.lower() == "python" else []) + known
    for other in others:
        if is_of_language(other):
            notes = ["the notebook's kernel %s is not there: %s is used" % (name, other)] if name else []
            return other, spec_of(other), notes
    raise Ended("unfit", why="there is no kernel %s there; %s" % (
        name or "for " + language, "there are: " + ", ".join(known) if known else "there is none at all: ipykernel is missing"))


def start_time(pid: int) -> str:
    """The start time of a process, as the scripts on the host read it: see system/process.sh."""
    if os.path.exists("/proc/self/stat"):
        with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[19]
    environment = {**os.environ, "TZ": "UTC0", "LC_ALL": "C"}
    shown = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], env=environment, stdout=subprocess.PIPE)
    return " ".join(shown.stdout.decode("utf-8", "replace").split())


def oom_kills() -> int:
    """How many processes the system has killed because memory ran out: in our cgroup, else on the machine. 0 if unknown."""
    places = []
    try:
        with open("/proc/self/cgroup", encoding="utf-8") as file:
            # Lines like 0::/PATH, and in version 1 like 4:memory:/PATH.
            groups = [line.rstrip("\n").split(":", 2)[1:] for line in file]
        for controllers, group in groups:
            if controllers == "":
                places.append("/sys/fs/cgroup%s/memory.events" % group.rstrip("/"))
            elif "memory" in controllers.split(",") and group != "/":
                places.append("/sys/fs/cgroup/memory%s/memory.oom_control" % group.rstrip("/"))
    except OSError:
        pass
    for place in places + ["/proc/vmstat"]:
        try:
            with open(place, encoding="utf-8") as file:
                return int(next(line for line in file if line.startswith("oom_kill ")).split()[1])
        except (OSError, StopIteration, ValueError):
            continue
    return 0


# It leaves no variable in the kernel. A socket may only be used in its own thread; zmq_setsockopt(3) has the limit.
LIFT_LIMIT = """(lambda thread: thread.schedule(lambda: setattr(thread.socket, "sndhwm", 0)))(
    __import__("ipykernel.kernelapp", fromlist=["IPKernelApp"]).IPKernelApp.instance().iopub_thread)"""


class Kernel:
    """A kernel and its channels."""

    def __init__(self, name: str, specs: KernelSpecs, folder: str, cwd: Optional[str], connection_file: str) -> None:
        self.log = KernelLog(os.path.join(folder, "kernel.log"))
        self.oom_kills = oom_kills()
        self.manager: Any = KernelManager(kernel_name=name, kernel_spec_manager=specs, connection_file=connection_file)
        # A socket drops the messages for which its queue has no room.
        quietly(lambda: setattr(self.manager.context, "rcvhwm", 0))
        # Its own `ipykernel` goes by the name of the kernel.
        self.is_ipykernel = any("ipykernel" in word for word in self.manager.kernel_spec.argv)
        arguments = ["--HistoryManager.hist_file=:memory:"] if self.is_ipykernel else []
        pipe = self.log.pipe()
        try:
            self.manager.start_kernel(cwd=cwd, extra_arguments=arguments, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe)
        finally:
            os.close(pipe)
        provisioner = getattr(self.manager, "provisioner", None)
        # Before jupyter_client 7, `kernel` is the process.
        self.process: "subprocess.Popen[bytes]" = provisioner.process if provisioner else self.manager.kernel
        self.pid: int = self.process.pid
        arguments_seen: Any = self.process.args
        self.program: str = arguments_seen[0]  # mostly the Python that the cells run in
        self.client: Any = self.manager.client()
        self.client.start_channels(stdin=False, hb=False)
        # The client's own functions run an event loop for each message.
        channels = self.client.shell_channel, self.client.iopub_channel
        self.shell_socket, self.iopub_socket = [zmq.Socket.shadow(channel.socket.underlying) for channel in channels]
        self.info: Json = {}

    def lives(self) -> bool:
        return self.process.poll() is None

    def iopub(self, timeout: float) -> Optional[Json]:
        return self.receive(self.iopub_socket, timeout)

    def shell(self, timeout: float) -> Optional[Json]:
        return self.receive(self.shell_socket, timeout)

    def receive(self, socket: Any, timeout: float) -> Optional[Json]:
        """The next message, or None if there is none within so many seconds."""
        if not socket.poll(int(timeout * 1000)):
            return None
        session = self.client.session
        message: Json = session.deserialize(session.feed_identities(socket.recv_multipart())[1])
        return message

    def await_ready(self, timeout: float, look: Callable[[], None]) -> None:
        """Waits until the kernel answers, and until its output arrives: a subscription may take longer than a request."""
        deadline = monotonic() + timeout
        asked: Set[str] = set()
        ask_at = 0.0
        answered = heard = False
        while not (answered and heard):
            now = monotonic()
            if now > deadline:
                raise Ended("kernel-died", why="it did not respond within %d s of its start" % timeout, words=self.log.last_line())
            if now >= ask_at:
                asked.add(self.client.kernel_info())
                # What it publishes about a request that came before the subscription does not arrive.
                ask_at = now + (0.02 if answered else 1)
            message = self.iopub(0.02) if answered else self.shell(0.02)
            if message is not None and message["parent_header"].get("msg_id") in asked:
                if answered:
                    heard = True
                else:
                    answered, self.info, ask_at = True, message["content"], 0
            if not self.lives():
                raise Ended("kernel-died", why=self.why_dead(), words=self.log.last_line())
            look()

    def lift_limit(self) -> None:
        """Makes ipykernel keep everything that it has to report: by default, it drops what more than 1,000 messages wait for us."""
        if self.is_ipykernel:
            self.client.execute(LIFT_LIMIT, silent=True, store_history=False)

    def why_dead(self) -> str:
        code = self.process.poll()
        if code is None:
            return "it does not respond"
        if code >= 0:
            return "it exited with status %d" % code
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = "signal %d" % -code
        ran_out = code == -signal.SIGKILL and oom_kills() > self.oom_kills
        return "it was killed by %s%s" % (name, " because memory ran out" if ran_out else "")

    def interrupt(self) -> None:
        quietly(self.manager.interrupt_kernel)

    def end(self, patience: float) -> None:
        """Ends the kernel, and the processes that its cells have started. It may need time to finish what runs at its exit."""
        if patience and self.lives():
            quietly(self.client.shutdown)
            until = monotonic() + patience
            while self.lives() and monotonic() < until and len(signals) < 2:
                quietly(lambda: self.process.wait(LOOK_S))
        # They are in its group, which has the PID of the kernel until the last one has ended.
        for number in (signal.SIGTERM, signal.SIGKILL) if patience else (signal.SIGKILL,):
            quietly(lambda: os.killpg(self.pid, number))
            until = monotonic() + 2
            while self.has_group() and monotonic() < until:
                time.sleep(0.01)
        quietly(lambda: self.process.kill() if self.lives() else None)
        quietly(lambda: self.process.wait(5))
        quietly(self.client.stop_channels)
        quietly(lambda: self.manager.cleanup_resources())

    def has_group(self) -> bool:
        self.process.poll()
        try:
            os.killpg(self.pid, 0)
            return True
        except OSError:
            return False


# ---------------------------------------------------------------- the run


class Run:
    """Executes the cells. Its events, each with `t`, the time in seconds since 1970:

    begin {cells, kernel, parameters, pid}    note {text}      ready {program, kernel_pid, s}    cell {i, n, of, title}
    cell-done {i, n, s}                       unsaved {why}    saved-again                       cancel {signal}
    timeout {i}                               waiting {why}    end {state, done, of, s, ...}       kept {file, s}    released

    `i` is the index of a cell in the notebook, `n` its number among those that are executed, `s` a duration in seconds. `end` has
    `i` and `n` of the cell in which the run ended, and ename and evalue, or why and the last words of the kernel.
    """

    def __init__(self, folder: str) -> None:
        self.folder = os.path.abspath(folder)
        self.order = Order(self.path("order.json"))
        self.events = Journal(self.path("events"), 100_000_000)
        self.text = Text(self.path("text"), self.order.text_limit)
        self.book: Optional[Book] = None
        self.specs = KernelSpecs()
        self.kernel: Optional[Kernel] = None
        self.begun, self.begun_at = time.time(), monotonic()
        self.done = 0
        self.at: Json = {}  # the cell that is executed
        self.ending = ""  # the state in which the run ends, once its cell was interrupted
        self.kill_at = self.looked_at = 0.0
        self.deadline: Optional[float] = None
        self.cell_of: Dict[str, int] = {}  # by the ID of its request
        self.displays: Dict[str, List[Tuple[int, Json]]] = {}
        self.widgets: Dict[str, Json] = {}
        self.buffers: Dict[str, Dict[Tuple[Any, ...], Json]] = {}

    def path(self, name: str) -> str:
        return os.path.join(self.folder, name)

    def event(self, kind: str, **what: Any) -> None:
        self.events.write(json.dumps({"t": round(time.time(), 3), "e": kind, **what}) + "\n")

    def execute(self) -> int:
        """Returns the exit status."""
        try:
            self.prepare()
            self.run_cells()
            outcome = Ended("done")
        except Ended as ended:
            outcome = ended
        except Exception as error:
            traceback.print_exc()
            outcome = Ended("broken", why="%s: %s" % (type(error).__name__, error))
        return self.finish(outcome)

    def prepare(self) -> None:
        order = self.order
        notebook = read_notebook(self.path("input.ipynb"))
        name, spec, notes = choose_kernel(self.specs, notebook, order.kernel)
        if order.parameters:
            if str(spec.language).lower() != "python":
                raise Ended("unfit", why="it is a notebook in %s, and parameters are supported for Python only" % spec.language)
            notes += set_parameters(notebook, order.parameters)
        self.book = Book(notebook, self.path("output.ipynb"), order, self.event)
        metadata = notebook["metadata"]
        metadata.pop("widgets", None)
        metadata["papermill"] = {**papermill_times(), "parameters": order.parameters, "default_parameters": {},
                                 "environment_variables": {}, "input_path": order.notebook, "output_path": self.book.path}
        metadata["papermill"].pop("status")
        metadata["papermill"]["start_time"] = utc(self.begun)
        shown = order.parameters if len(json.dumps(order.parameters)) <= SHOWN_PARAMETERS else None
        self.event("begin", cells=len(self.book.code), kernel=name, parameters=shown, pid=os.getpid())
        for note in notes:
            self.event("note", text=note)
        self.book.save()
        if signals:
            raise Ended("cancelled")
        self.start_kernel(name)

    def start_kernel(self, name: str) -> None:
        assert self.book
        begun = monotonic()
        kernel = self.boot(name)
        try:
            kernel.await_ready(self.order.startup_timeout, self.look)
        except Ended as ended:
            # Another kernel may have taken one of its ports meanwhile.
            if "in use" not in ended.words.get("words", ""):
                raise
            kernel.end(0)
            kernel = self.boot(name)
            kernel.await_ready(self.order.startup_timeout, self.look)
        kernel.lift_limit()
        info = kernel.info.get("language_info")
        if info:
            self.book.notebook["metadata"]["language_info"] = info
            self.book.touch()
        self.event("ready", program=kernel.program, kernel_pid=kernel.pid, s=round(monotonic() - begun, 3))

    def boot(self, name: str) -> Kernel:
        try:
            kernel = self.kernel = Kernel(name, self.specs, self.folder, self.order.cwd, "")
        except OSError:
            # jupyter_client writes the connection file to the temporary folder, which may be full.
            try:
                kernel = self.kernel = Kernel(name, self.specs, self.folder, self.order.cwd, self.path("connection.json"))
            except OSError as error:
                raise Ended("unfit", why="the kernel cannot be started: %s" % error)
        quietly(lambda: self.write("kernel", "%d %s\n" % (kernel.pid, start_time(kernel.pid))))
        return kernel

    def write(self, name: str, text: str) -> None:
        with open(self.path(name + ".part"), "w", encoding="utf-8", opener=private) as file:
            file.write(text)
        os.replace(self.path(name + ".part"), self.path(name))

    def run_cells(self) -> None:
        assert self.book
        code = self.book.code
        for number, index in enumerate(code, 1):
            if signals:
                raise Ended("cancelled")
            title = title_of(self.book.cells[index])
            self.at = {"i": index, "n": number}
            self.event("cell", **self.at, of=len(code), title=title)
            self.text.title("--- cell %d of %d: %s" % (number, len(code), title))
            begun, begun_at = time.time(), monotonic()
            status = "running"
            self.book.cells[index]["metadata"]["papermill"] = papermill_times(status, begun)
            try:
                self.run_cell(index)
                status = "completed"
            except Ended as ended:
                status = "completed" if ended.state == "done" else "failed"
                raise
            finally:
                took = round(monotonic() - begun_at, 6)
                self.book.cells[index]["metadata"]["papermill"] = papermill_times(status, begun, took, status == "failed")
                self.book.touch(index)
            self.event("cell-done", **self.at, s=round(took, 3))
            self.done = number
            if took > SLOW_CELL_S and SAVE_SHARE * self.book.took < monotonic() - self.book.saved_at:
                self.book.save()
            else:
                self.book.save_if_due()
        self.at = {}

    def run_cell(self, index: int) -> None:
        assert self.book and self.kernel
        cell, kernel = self.book.cells[index], self.kernel
        stays = self.order.allow_errors or "raises-exception" in tags_of(cell)
        self.book.outputs[index] = Outputs(self.order)
        self.deadline = monotonic() + self.order.cell_timeout if self.order.cell_timeout else None
        request: str = kernel.client.execute(source_of(cell), store_history=True, allow_stdin=False, stop_on_error=not stays)
        self.cell_of[request] = index
        reply = self.await_idle(request)
        until = monotonic() + REPLY_S
        while reply is None and monotonic() < until:
            reply = self.reply_to(request, LOOK_S)
            self.look()
            if reply is None and not kernel.lives():
                raise Ended("kernel-died", why=kernel.why_dead(), words=kernel.log.last_line())
        self.deadline = None
        if self.ending:
            raise Ended(self.ending)
        if reply is None:
            self.event("note", text="the kernel did not say how cell %d ended" % self.at["n"])
        else:
            self.judge(reply["content"], stays)

    def await_idle(self, request: str) -> Optional[Json]:
        """Waits until the kernel has reported everything about this request. Returns the reply if it came before."""
        assert self.kernel
        reply: Optional[Json] = None
        # A kernel reports in order: when it has finished a later request, its report of this one is lost.
        later: Optional[str] = None
        heard_at = 0.0
        while later is None or monotonic() - heard_at < LOST_IDLE_S:
            message = self.kernel.iopub(LOOK_S)
            if message is None or monotonic() - self.looked_at > 1:
                self.look()
            if message is not None:
                heard_at = monotonic()
                finished = message["parent_header"].get("msg_id") if self.hear(message) else None
                if finished == request:
                    return reply
                if later and finished == later:
                    break
                continue
            if not self.kernel.lives():
                self.drain(0)
                raise Ended("kernel-died", why=self.kernel.why_dead(), words=self.kernel.log.last_line())
            if reply is None:
                reply = self.reply_to(request, 0)
                heard_at = monotonic()
            elif later is None and monotonic() - heard_at > ASK_S:
                later = self.kernel.client.kernel_info()
                heard_at = monotonic()
        self.event("note", text="the kernel did not report that cell %d was finished: some of its output may be missing" % self.at["n"])
        return reply

    def reply_to(self, request: str, timeout: float) -> Optional[Json]:
        assert self.kernel
        message = self.kernel.shell(timeout)
        return message if message and message["parent_header"].get("msg_id") == request else None

    def judge(self, content: Json, stays: bool) -> None:
        """Ends the run if its cell says so: by an error, or by sys.exit() or exit(), which are no failure, as for papermill."""
        status, error = content.get("status"), str(content.get("ename", ""))
        quits = any(isinstance(each, dict) and each.get("source") == "ask_exit" for each in content.get("payload") or [])
        if quits or (error == "SystemExit" and str(content.get("evalue")) in ("", "0", "None")):
            self.event("note", text="cell %d has ended the notebook" % self.at["n"])
            raise Ended("done")
        if status != "ok" and not stays:
            raise Ended("failed", ename=error or str(status), evalue=str(content.get("evalue", ""))[:LINE])

    def look(self) -> None:
        """Does what is due: saves, and interrupts the cell when the run is cancelled or its time is over."""
        self.looked_at = now = monotonic()
        if self.book:
            self.book.save_if_due()
        self.events.flush()
        self.text.journal.flush()
        is_late = self.deadline is not None and now > self.deadline
        if not self.ending and (signals or is_late):
            self.ending, self.kill_at = "cancelled" if signals else "timeout", now + self.order.grace
            if signals:
                self.event("cancel", signal=signal.Signals(signals[0]).name)
            else:
                self.event("timeout", i=self.at["i"])
            if not self.at:
                raise Ended(self.ending)
            if self.kernel:
                self.kernel.interrupt()
        elif self.ending and (now > self.kill_at or len(signals) > 1):
            self.drain(0)
            raise Ended("cancelled" if signals else self.ending)

    def drain(self, timeout: float) -> None:
        """Takes what the kernel has reported, until it is silent for so long."""
        until = monotonic() + 2
        while self.kernel and monotonic() < until:
            message = self.kernel.iopub(timeout)
            if message is None:
                return
            self.hear(message)

    # -- what the kernel reports

    def hear(self, message: Json) -> bool:
        """Takes a message. Whether it says that the kernel is idle. Output belongs to the cell that has started it."""
        assert self.book
        kind, content = message["msg_type"], message["content"]
        if kind == "status":
            return bool(content.get("execution_state") == "idle")
        if kind.startswith("comm_"):
            self.hear_widget(message)
            return False
        index = self.cell_of.get(message["parent_header"].get("msg_id", ""))
        if index is None:
            return False
        outputs = self.book.outputs[index]
        if kind == "execute_input":
            self.book.cells[index]["execution_count"] = content.get("execution_count")
        elif kind == "clear_output":
            outputs.clear(bool(content.get("wait")))
        elif kind == "stream":
            for start in range(0, len(content["text"]), PIECE):
                words = content["text"][start:start + PIECE]
                self.text.add(words)
                outputs.stream(content["name"], words)
        elif kind == "error":
            output = {"output_type": "error", **{key: content[key] for key in ("ename", "evalue", "traceback")}}
            outputs.add(output)
            self.text.title("\n".join(content["traceback"]))
        elif kind in ("display_data", "execute_result", "update_display_data"):
            self.display(kind, index, content)
        self.book.touch(index)
        return False

    def display(self, kind: str, index: int, content: Json) -> None:
        assert self.book
        data, metadata = content.get("data", {}), content.get("metadata", {})
        shown = (content.get("transient") or {}).get("display_id")
        if shown:
            # Those that were cleared are forgotten.
            known = [(cell, output) for cell, output in self.displays.get(shown, [])
                     if any(item is output for item in self.book.outputs[cell].items)]
            for cell, output in known:
                self.book.outputs[cell].update(output, data, metadata)
                self.book.touch(cell)
            self.displays[shown] = known
        if kind == "update_display_data":
            return
        output = {"output_type": kind, "data": data, "metadata": metadata}
        if kind == "execute_result":
            output["execution_count"] = content.get("execution_count")
        self.book.outputs[index].add(output)
        if shown:
            self.displays[shown].append((index, output))
        if isinstance(data.get("text/plain"), str):
            self.text.title(data["text/plain"])

    def hear_widget(self, message: Json) -> None:
        content = message["content"]
        data, widget = content.get("data") or {}, content.get("comm_id", "")
        state = data.get("state") if isinstance(data, dict) else None
        if not isinstance(state, dict) or not (widget in self.widgets or "_model_name" in state):
            return
        self.widgets.setdefault(widget, {}).update(state)
        for path, buffer in zip(data.get("buffer_paths") or [], message.get("buffers") or []):
            encoded_buffer = base64.b64encode(buffer).decode("ascii")
            self.buffers.setdefault(widget, {})[tuple(path)] = {"data": encoded_buffer, "encoding": "base64", "path": path}

    # -- the end

    def finish(self, outcome: Ended) -> int:
        """Writes the results. Waits for room if there is none, unless a second signal comes. Returns the exit status."""
        if outcome.state == "kernel-died" and "SIGTERM" in outcome.words["why"] and not signals:
            # A batch scheduler sends the signal to all processes of a job: the kernel may receive it first.
            time.sleep(1)
        if outcome.state == "kernel-died" and signals:
            outcome = Ended("cancelled")
        keeps = bool(self.kernel and self.order.keep_kernel and outcome.state in ("failed", "timeout") and self.kernel.lives())
        if self.kernel:
            quietly(lambda: self.drain(LATE_S))
        if self.book:
            self.sum_up(outcome)
            self.book.save()
        if self.kernel and not keeps:
            self.kernel.end(self.order.shutdown_timeout if outcome.state in ("done", "failed") else 0)
        if self.book and not self.book.is_saved:
            outcome = self.await_room(outcome)
        self.event("end", state=outcome.state, done=self.done, of=len(self.book.code) if self.book else 0,
                   s=round(monotonic() - self.begun_at, 3),
                   **(self.at if outcome.state != "done" else {}), **{key: word for key, word in outcome.words.items() if word})
        status = STATUS[outcome.state]
        signals_before = len(signals)
        if self.kernel and keeps:
            # Whoever sees that the run has ended sees its kernel, too.
            self.event("kept", file=self.kernel.manager.connection_file, s=self.order.keep_kernel)
        while not self.wrote_status(status) and len(signals) < 2:
            time.sleep(1)
        if outcome.state != "unfit":
            # What the files of this run have replaced is kept while its start may be undone.
            shutil.rmtree(self.path("replaced"), ignore_errors=True)
        if self.order.then_command:
            self.call(outcome.state, status)
        if self.kernel and keeps:
            self.keep(signals_before)
        return status

    def sum_up(self, outcome: Ended) -> None:
        """Completes the metadata of the notebook."""
        assert self.book
        metadata = self.book.notebook["metadata"]
        times = papermill_times("", self.begun, round(monotonic() - self.begun_at, 6), None if outcome.state == "done" else True)
        times.pop("status")
        metadata["papermill"].update(times)
        if self.widgets:
            states = {widget: self.widget_on_disk(widget) for widget, state in self.widgets.items() if "_model_name" in state}
            kind = "application/vnd.jupyter.widget-state+json"
            metadata["widgets"] = {kind: {"state": states, "version_major": 2, "version_minor": 0}}
        self.book.touch()

    def widget_on_disk(self, widget: str) -> Json:
        state = self.widgets[widget]
        shown = {"model_name": state["_model_name"], "model_module": state.get("_model_module"),
                 "model_module_version": state.get("_model_module_version"), "state": state}
        return {**shown, "buffers": list(self.buffers[widget].values())} if widget in self.buffers else shown

    def await_room(self, outcome: Ended) -> Ended:
        assert self.book
        self.event("waiting", why=self.book.trouble)
        while not self.book.save():
            if len(signals) > 1:
                return Ended("cancelled", why="its last outputs could not be saved: %s" % self.book.trouble)
            time.sleep(1)
            self.events.flush()
            self.text.journal.flush()
        return outcome

    def wrote_status(self, status: int) -> bool:
        if not self.events.flush() or not self.text.journal.flush():
            return False
        try:
            self.write("status", "%d\n" % status)
            return True
        except OSError:
            return False

    def call(self, state: str, status: int) -> None:
        """Runs the user's command; its output goes to the log of the driver."""
        environment = {**os.environ, "RUN": os.path.basename(self.folder), "STATE": state, "EXIT": str(status)}
        try:
            subprocess.run(["/bin/sh", "-c", self.order.then_command], env=environment, cwd=self.order.cwd, stdin=subprocess.DEVNULL)
        except OSError as error:
            print("cannot run the command that was asked for: %s" % error, file=sys.stderr)

    def keep(self, signals_before: int) -> None:
        """Keeps the kernel, so that the user can look at its variables, until the time is over or another signal comes."""
        assert self.kernel
        until = monotonic() + self.order.keep_kernel
        while self.kernel.lives() and monotonic() < until and len(signals) == signals_before:
            time.sleep(LOOK_S)
        self.kernel.end(self.order.shutdown_timeout)
        self.event("released")


def main(folder: str) -> int:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: signals.append(received))
    return Run(folder).execute()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: driver.py FOLDER")
    sys.exit(main(sys.argv[1]))
