import type { OnLine } from '../system/streams/lines.ts';
import { type Frame, outputReader } from './protocol.ts';
import type { Script } from './script.ts';

/** Maximum size of a script's output, in characters; a line counts as this many more. No script prints nearly as much. */
const MAX_OUTPUT = 10_000_000;
const LINE_SIZE = 100;

/** Timeout for a script's first frame, which comes after the start-up files of the login shell, and before any work. */
const FIRST_FRAME_MS = 60_000;
/** Timeout for a script. Those that run the user's own setup commands, or pip, may install something. */
const SCRIPT_MS = 600_000;
const INSTALL_MS = 3_600_000;
const INSTALLING: readonly Script['name'][] = ['launch', 'runs/start', 'jupyter/install'];

/** What a script on the host prints. It is bounded in size and time, because a host may print without end. */
export class ScriptOutput {
  readonly frames: Frame[] = [];
  /** The lines before the first frame, which start-up files print. */
  readonly printed: string[] = [];
  /** Called when a log begins. */
  onLog: () => void = () => {};
  readonly #giveUp: (what: string, remedy: string) => void;
  readonly #read: OnLine;
  readonly #timers: NodeJS.Timeout[] = [];
  #size = 0;
  /** Only a log, or a notebook, may have any length and take any time: its lines are passed on, and not kept. */
  #isLog = false;
  /** Whether its lines follow: what is printed before them is not passed on. */
  #hasBegun = false;

  /** @param giveUp is called once when a limit is reached, with what the host does and what the user can do */
  constructor(
    onFrame: (frame: Frame) => unknown,
    onText: OnLine,
    giveUp: (what: string, remedy: string) => void,
  ) {
    this.#giveUp = giveUp;
    this.#read = outputReader(
      (frame) => {
        if (frame.key === 'alive') return void onFrame(frame);
        if (this.#isInLog && !this.#hasRoomFor(frame.value)) return;
        this.frames.push(frame);
        if (frame.key === 'begin') {
          this.#hasBegun = true;
          this.onLog();
        }
        onFrame(frame);
      },
      (line, end) => {
        if (this.frames.length === 0) this.printed.push(line);
        return this.#isLog && !this.#hasBegun ? undefined : onText(line, end);
      },
    );
  }

  /** Reads a line of the output. */
  readonly onLine: OnLine = (line, end) =>
    this.#isInLog || this.#hasRoomFor(line) ? this.#read(line, end) : undefined;

  /** Begins to measure the time: the script is about to be sent. */
  begin({ name, variables }: Script): void {
    this.#isLog = name === 'logs' || name === 'runs/result';
    // A job may wait for days.
    const mayWait = name === 'launch' && Boolean(variables.submit);
    this.#limitTime(FIRST_FRAME_MS, () => this.frames.length === 0);
    const ms = INSTALLING.includes(name) ? INSTALL_MS : SCRIPT_MS;
    if (!this.#isLog && !mayWait) this.#limitTime(ms, () => true);
  }

  /** Ends to measure the time. */
  end(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  get #isInLog(): boolean {
    return this.#isLog && this.frames.length > 0;
  }

  #hasRoomFor({ length }: string): boolean {
    const had = this.#size <= MAX_OUTPUT;
    this.#size += length + LINE_SIZE;
    const has = this.#size <= MAX_OUTPUT;
    if (had && !has) this.#giveUp('keeps printing output', this.#remedy);
    return has;
  }

  #limitTime(ms: number, isLate: () => boolean): void {
    const end = () => {
      if (isLate()) this.#giveUp(`did not run our script within ${ms / 1000} s`, this.#remedy);
    };
    this.#timers.push(setTimeout(end, ms));
  }

  /** Start-up files run before the first frame; after it, the programs that the script starts. */
  get #remedy(): string {
    return this.frames.length === 0
      ? 'Check its start-up files.'
      : 'Check what its setup commands, its environment and its start-up files print and do.';
  }
}
