import { redactTokens } from '../jupyter/server.ts';
import type { OnLine } from '../system/streams/lines.ts';

/**
 * The keys of all frames that scripts on the host send, with what their values are. Frames of a record are also lines
 * of its file. If a key occurs more than once, its last value applies.
 */
export const FRAMES = {
  alive:
    'the beginning of a line of a log that it interrupts, if any; when a script cannot write it, its caller is gone',
  phase: 'the phase of a start that begins',
  note: 'a sentence for the user',
  progress: 'a line that an installation prints',
  installed: 'what was installed, and where',
  log: 'one of the last lines of a log or of the output of a tool',
  failed: 'CAUSE SUBJECT: see failures.ts',
  where: 'the places that were searched, or where something leads',
  holder: 'the process that listens on the requested port',
  unseen: 'nothing: the host cannot list what listens on its ports',
  no_socket: 'why Jupyter listens on a port, although none is set',

  folder: "the folder of the server's record",
  launch: 'record: the ID of the attempt that wrote it',
  origin: 'record: the ID of the attempt that started the server first; a restart keeps it',
  pid: 'record, runtime file: the process',
  start_time: 'record, runtime file: its start time in the process table',
  machine: 'what identifies this machine, or nothing: see machine.sh',
  node: 'record, runtime file: the node that it runs on',
  job: 'record: SCHEDULER ID, if the server is a job',
  name: 'record: the name of the server',
  asked: 'record: its directory, as the user wrote it',
  from: 'record: the machine from which it was started',
  directory: 'record, doctor, environments: the real path of its directory',
  environment: 'record: its environment, as the user wrote it',
  command: 'record, doctor: its command, as users see it',
  prefix: 'record, doctor: the folder of its environment, if it has one',
  python: 'record, doctor: the Python that it runs in, if known',
  socket: 'record: the socket that it listens on',
  relay: 'record: the socket of its relay',
  relay_python: 'record: the Python that runs its relay',
  container: 'record: the command of its container, and the name of that',
  runtime: "record: the path of Jupyter's runtime file",
  adopted: 'record: yes, if something else started it',
  server: "Jupyter's runtime file in one line",
  joined: 'last frame of a server: yes if it was already running, or no',
  absent: 'launch: there is no server; runtime file: its process is gone',
  boot: 'Jupyter starts: the socket that it will listen on, or nothing',

  submitted: 'nothing: this launch has submitted the job',
  queue: "SECONDS LINE: the host's time since 1970, and the scheduler's line about the job: see its launcher",
  host_key: 'a public key of the sshd of the node, as in its .pub file',
  over: 'the job has ended: the words of the scheduler about that, or nothing',
  prevented: 'CAUSE SUBJECT, as `failed`: why the job of a run has not begun to execute the notebook',
  unanswered: 'the scheduler does not answer: what it printed',
  accepted: 'what the scheduler printed about a job that it would accept',
  declined: 'what the scheduler printed about a job that it would refuse',
  waits: 'doctor: the ID of the job whose server has not been started yet',
  scheduler: 'a launcher whose commands the host has',
  partition: "the preceding scheduler's line about a partition: see its launcher",

  process: 'of a server, or the driver of a run: alive or gone',
  holds: 'whether the process listens on the port of its server: yes, no or unknown',
  stopped:
    'how the server ended: shutdown, terminated, killed or cancelled; how the run ended: cancelled, killed, released or gone',
  gone: 'nothing: the server had already ended, or the log is that of a server that has ended',
  first: 'the number of the first line of a log that is followed',
  begin: 'nothing: the lines of a log, or of a notebook, follow',
  ended: 'nothing: the server or the run whose log was followed has ended, or the notebook is complete',

  here: 'the name of this node',
  file: 'the path of a runtime file',
  unreadable: 'nothing: the file is not a runtime file, or another user owns it',
  content: 'last frame of a runtime file: its text in one line',
  elapsed: 'record, runtime file, run: how long its process has been running, in seconds or as ps prints it',
  program: 'the kind of server: jupyter lab, …',
  listens: 'a port or a socket that its process listens on, or unknown',
  elsewhere: 'a server on another node: NODE FOLDER (doctor: NODE HERE FOLDER)',

  path: 'a folder that the typed beginning of a path may become',

  venv: 'ready or bare, and a folder: relative to the directory, or starting with ~',
  project: 'ready or bare, and uv, poetry or pixi',
  conda: 'ready or bare; base, name or path; a prefix',
  found: 'the program that a start uses if no environment is named',

  shell: 'the login shell',
  system: 'the operating system, as uname -srm prints it',
  checked: 'the step of doctor that the preceding frames belong to',
  logind: 'KillUserProcesses of logind: true, false or nothing',
  linger: "yes, if the user's processes may outlive the sessions",
  readonly: 'a directory that cannot be written',
  free: 'KILOBYTES DIRECTORY',
  inodes: 'COUNT DIRECTORY',
  quota: 'a line of quota, if the user is over it',
  runs: 'the PID of the server',
  dead: 'the record of a server that has ended',
  version: 'what Jupyter prints as its version',
  unasked: 'the command, if asking for its version might start something',
  config: "Jupyter's configuration as JSON",
  kernels: "the default kernel, as JSON like that of Jupyter's /api/kernelspecs",
  unread: 'a configuration file that Jupyter could not read',

  clock: 'the local time of the host: YYYY-MM-DD HH:MM:SS',
  kernel_process: 'ID SECONDS: a kernel that is running, and for how long',
  event: "a line of Jupyter's log about a kernel",
  oom: 'how many processes of the cgroup of the server were killed since it was out of memory',
  killed: 'SECONDS LINE: the uptime of the system, and a line of dmesg about a process that was killed',

  run: 'last frame of a run: its name',
  notebook: 'record of a run: the path of its notebook on the host; empty: it was uploaded',
  started: 'record of a run: when, in seconds since 1970 by the clock of the host',
  boot_id: 'record of a run: the boot of the machine, or nothing',
  run_event: 'an event of a run as JSON: see driver.py',
  exit_status: 'that of the driver of a run',
  rebooted: 'nothing: the host was booted again since the run was started',
  now: 'seconds since 1970 by the clock of the host',

  cpus: 'the number of CPUs',
  load: 'the load averages of 1, 5 and 15 minutes',
  memory: 'TOTAL AVAILABLE, in kB',
  disk: 'TOTAL FREE DIRECTORY, in kB',
  gpu: 'a line of nvidia-smi: name, %, MiB used, MiB',
} as const;

export type FrameKey = keyof typeof FRAMES;

/** One line that a script reports. */
export interface Frame {
  readonly key: FrameKey;
  readonly value: string;
}

const FRAME = /^@remote-notebook (\S+) ?(.*)$/s;

/**
 * The frame in a line of output, without the tokens in lines of a log. Undefined for any other line, as start-up files
 * of the login shell print them.
 */
export function parseFrame(line: string): Frame | undefined {
  const [, key, value] = FRAME.exec(line) ?? [];
  if (key === undefined || value === undefined || !Object.hasOwn(FRAMES, key)) return undefined;
  return { key: key as FrameKey, value: key === 'log' ? redactTokens(value) : value };
}

/** Frames that logs.sh sends while it prints a log, possibly after half a line of it, which may contain carriage returns. */
const IN_MID_LINE = /^(.*)@remote-notebook (alive|ended)$/s;

/** Maximum number of characters of a line that `alive` interrupts; a longer one is split. */
const MAX_BEGUN = 1_000_000;

/**
 * Returns a function that sorts the lines of a script's output into frames and text. It returns what `onText` returns. The frame
 * `alive` also arrives in the middle of a line.
 */
export function outputReader(onFrame: (frame: Frame) => void, onText: OnLine): OnLine {
  let begun = '';
  return (piece, end) => {
    const [, before = piece, key] = IN_MID_LINE.exec(piece) ?? [];
    begun += before;
    const isAlive = key === 'alive';
    if (isAlive && begun.length <= MAX_BEGUN) return onFrame({ key, value: begun });
    const frame = parseFrame(begun);
    const isText = !frame && (begun !== '' || key === undefined);
    const how = isAlive ? 'split' : key === 'ended' ? 'cut' : end;
    const printed = isText ? onText(begun, how) : undefined;
    if (frame) onFrame(frame);
    begun = '';
    if (key === 'ended') onFrame({ key, value: '' });
    return printed;
  };
}

/** The value of the last frame with this key. */
export function lastValue(frames: readonly Frame[], key: FrameKey): string | undefined {
  return frames.findLast((frame) => frame.key === key)?.value;
}

/** The values of all frames with this key. */
export function valuesOf(frames: readonly Frame[], key: FrameKey): string[] {
  return frames.filter((frame) => frame.key === key).map(({ value }) => value);
}

/** The frames from the one with this key and value to the next one with this key; none if it is not there. */
export function framesFrom(frames: readonly Frame[], key: FrameKey, value: string): Frame[] {
  const start = frames.findIndex((frame) => frame.key === key && frame.value === value);
  if (start < 0) return [];
  const end = frames.findIndex((frame, index) => frame.key === key && index > start);
  return frames.slice(start, end < 0 ? undefined : end);
}
