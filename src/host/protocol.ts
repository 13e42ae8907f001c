import { redactTokens } from '../jupyter/server.ts';

/**
 * Every frame that a script on the host sends, with what its value is. Those of a record are lines of its file, too:
 * for each key the last one counts.
 */
export const FRAMES = {
  alive: 'nothing: by writing it a script notices that its caller is gone',
  phase: 'what begins now, as a start names it',
  note: 'a sentence for the user',
  log: 'one of the last lines of a log, or of what a tool printed',
  failed: 'a cause, and its subject: see failures.ts',
  where: 'the places where something was looked for',
  holder: 'who listens on the port that was wanted',

  folder: "the folder of the server's record",
  launch: 'record: the name of the attempt that wrote it',
  pid: 'record, runtime file: the process',
  start_time: 'record, runtime file: when it started, by the process table',
  node: 'record, runtime file: the node that it runs on',
  job: 'record: SCHEDULER ID, if it is no process but a job',
  name: 'record: the server, as its user calls it',
  asked: 'record: its directory, as its user named it',
  from: 'record: the machine that had it started',
  directory: 'record, doctor, environments: the true path of its directory',
  environment: 'record: its environment, as its user named it',
  command: 'record, doctor: its command, for people',
  socket: 'record: the socket that it listens on',
  started: 'record: when, in seconds since 1970',
  runtime: "record: the path of Jupyter's runtime file",
  adopted: 'record: yes, if something else has started it',
  server: "Jupyter's runtime file in one line",
  joined: 'last of a server: yes or no, whether it ran before',
  absent: 'launch: there is no server. Runtime file: its process is gone',
  boot: 'here, if the user sits at the host itself, or there',

  process: 'alive or gone',
  stopped: 'how the server ended: shutdown, terminated or killed',
  gone: 'nothing: the server had ended before',
  begin: 'nothing: the lines of a log follow',
  ended: 'nothing: the server whose log was followed has ended',

  here: 'the name of this node',
  file: 'the path of a runtime file',
  unreadable: 'nothing: that file is none, or of another user',
  content: 'that file in one line; last of it',
  elapsed: 'how long its process runs: seconds, or as ps tells it',
  program: 'what its process is: jupyter lab, …',
  listens: 'a port or a socket that its process listens on, or unknown',
  elsewhere: 'a server on another node: NODE FOLDER, of doctor NODE HERE FOLDER',

  venv: 'ready or bare, and a folder in the directory',
  project: 'ready or bare, and uv, poetry or pixi',
  conda: 'ready or bare; base, name or path; a prefix',
  found: 'the jupyter that a start takes where no environment is named',

  shell: 'the login shell',
  checked: 'the layer that the frames before it were about',
  logind: 'KillUserProcesses of logind: true, false or nothing',
  linger: "yes, if the user's processes may outlive their sessions",
  readonly: 'a directory that cannot be written',
  free: 'KILOBYTES DIRECTORY',
  inodes: 'COUNT DIRECTORY',
  quota: 'a line of quota, of a user who is over it',
  runs: 'the PID of the server',
  dead: 'the record of a server that has ended',
  version: 'what Jupyter prints as its version',
  unasked: 'the command, if it might start something when it is asked',
  config: "Jupyter's configuration as JSON",
  unread: 'a file of that which Jupyter could not read',

  cpus: 'how many',
  load: 'that of 1, 5 and 15 minutes',
  memory: 'TOTAL AVAILABLE, in kB',
  disk: 'TOTAL FREE DIRECTORY, in kB',
  gpu: 'a line of nvidia-smi: name, %, MiB used, MiB',
} as const;

export type FrameKey = keyof typeof FRAMES;

/** One line of a script's answer. */
export interface Frame {
  readonly key: FrameKey;
  readonly value: string;
}

const FRAME = /^@remote-notebook (\S+) ?(.*)$/;

/**
 * The frame in a line of output, without tokens in what it quotes of a log. Undefined for any other line: start-up files
 * of the login shell print there, too.
 */
export function parseFrame(line: string): Frame | undefined {
  const [, key, value] = FRAME.exec(line) ?? [];
  if (key === undefined || value === undefined || !Object.hasOwn(FRAMES, key)) return undefined;
  return { key: key as FrameKey, value: key === 'log' ? redactTokens(value) : value };
}

/** Frames that logs.sh sends while a log is printed, perhaps when only half a line of it is written. */
const IN_MID_LINE = /^(.*)@remote-notebook (alive|ended)$/;

/** Tells the frames of a script's output, line by line, from the text around them. Signs of life are neither. */
export function outputReader(
  onFrame: (frame: Frame) => void,
  onText: (line: string) => void,
): (line: string) => void {
  let begun = '';
  return (piece) => {
    const [, before, key] = IN_MID_LINE.exec(piece) ?? [];
    if (before === undefined || key === undefined) {
      const line = begun + piece;
      begun = '';
      const frame = parseFrame(line);
      if (frame) onFrame(frame);
      else onText(line);
      return;
    }
    begun += before;
    if (key === 'alive') return;
    if (begun !== '') onText(begun);
    begun = '';
    onFrame({ key: 'ended', value: '' });
  };
}

/** What the last frame of this key says. */
export function lastValue(frames: readonly Frame[], key: FrameKey): string | undefined {
  return frames.findLast((frame) => frame.key === key)?.value;
}

/** What all frames of this key say. */
export function valuesOf(frames: readonly Frame[], key: FrameKey): string[] {
  return frames.filter((frame) => frame.key === key).map(({ value }) => value);
}
