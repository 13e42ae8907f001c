import { redactTokens } from '../jupyter/server.ts';

/**
 * The keys of all frames that scripts on the host send, with what their values are. Frames of a record are also lines
 * of its file. If a key occurs more than once, its last value applies.
 */
export const FRAMES = {
  alive: 'nothing: when a script cannot write it, its caller is gone',
  phase: 'the phase of a start that begins',
  note: 'a sentence for the user',
  log: 'one of the last lines of a log or of the output of a tool',
  failed: 'CAUSE SUBJECT: see failures.ts',
  where: 'the places that were searched',
  holder: 'the process that listens on the requested port',

  folder: "the folder of the server's record",
  launch: 'record: the ID of the attempt that wrote it',
  pid: 'record, runtime file: the process',
  start_time: 'record, runtime file: its start time in the process table',
  node: 'record, runtime file: the node that it runs on',
  job: 'record: SCHEDULER ID, if the server is a job',
  name: 'record: the name of the server',
  asked: 'record: its directory, as the user wrote it',
  from: 'record: the machine from which it was started',
  directory: 'record, doctor, environments: the real path of its directory',
  environment: 'record: its environment, as the user wrote it',
  command: 'record, doctor: its command, as users see it',
  socket: 'record: the socket that it listens on',
  started: 'record: its start time in seconds since 1970',
  runtime: "record: the path of Jupyter's runtime file",
  adopted: 'record: yes, if something else started it',
  server: "Jupyter's runtime file in one line",
  joined: 'last frame of a server: yes if it was already running, or no',
  absent: 'launch: there is no server; runtime file: its process is gone',
  boot: "Jupyter starts: here, if the host is the user's own machine, or there",

  process: 'alive or gone',
  stopped: 'how the server ended: shutdown, terminated or killed',
  gone: 'nothing: the server had already ended',
  begin: 'nothing: the lines of a log follow',
  ended: 'nothing: the server whose log was followed has ended',

  here: 'the name of this node',
  file: 'the path of a runtime file',
  unreadable: 'nothing: the file is not a runtime file, or another user owns it',
  content: 'last frame of a runtime file: its text in one line',
  elapsed: 'how long its process has been running, in seconds or as ps prints it',
  program: 'the kind of server: jupyter lab, …',
  listens: 'a port or a socket that its process listens on, or unknown',
  elsewhere: 'a server on another node: NODE FOLDER (doctor: NODE HERE FOLDER)',

  venv: 'ready or bare, and a folder in the directory',
  project: 'ready or bare, and uv, poetry or pixi',
  conda: 'ready or bare; base, name or path; a prefix',
  found: 'the jupyter that a start uses if no environment is named',

  shell: 'the login shell',
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
  unread: 'a configuration file that Jupyter could not read',

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

const FRAME = /^@remote-notebook (\S+) ?(.*)$/;

/**
 * The frame in a line of output, without the tokens in lines of a log. Undefined for any other line, as start-up files
 * of the login shell print them.
 */
export function parseFrame(line: string): Frame | undefined {
  const [, key, value] = FRAME.exec(line) ?? [];
  if (key === undefined || value === undefined || !Object.hasOwn(FRAMES, key)) return undefined;
  return { key: key as FrameKey, value: key === 'log' ? redactTokens(value) : value };
}

/** Frames that logs.sh sends while it prints a log, possibly after half a line of it. */
const IN_MID_LINE = /^(.*)@remote-notebook (alive|ended)$/;

/** Returns a function that sorts the lines of a script's output into frames and text, and drops `alive`. */
export function outputReader(
  onFrame: (frame: Frame) => void,
  onText: (line: string) => void,
): (line: string) => void {
  let begun = '';
  return (piece) => {
    const [, before = piece, key] = IN_MID_LINE.exec(piece) ?? [];
    begun += before;
    if (key === 'alive') return;
    const frame = parseFrame(begun);
    if (frame) onFrame(frame);
    else if (begun !== '' || key === undefined) onText(begun);
    begun = '';
    if (key === 'ended') onFrame({ key, value: '' });
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
