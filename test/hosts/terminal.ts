import { spawn } from 'node:child_process';
import { untilEnd } from './standing.ts';
import { eventually } from './world.ts';

/**
 * Runs a command on a new terminal, as its session leader, and passes input and output through. It is Python, which
 * every host of Jupyter has, because Node cannot create a terminal.
 */
const ON_A_TERMINAL = `import os, pty, sys
status = pty.spawn(sys.argv[1:])
sys.exit(os.waitstatus_to_exitcode(status) & 255)
`;

/** The characters that keys send. */
export const CTRL_C = '\x03';
export const CTRL_D = '\x04';
export const TAB = '\t';
export const ENTER = '\r';

/** A terminal with a command in its foreground. */
export interface TerminalWindow {
  /** All output so far. */
  shown(): string;
  /** Waits until this text is shown. */
  saw(text: string): Promise<void>;
  type(text: string): void;
  /** Closes the window: the command and everything in its session get SIGHUP. */
  close(): Promise<void>;
  /** The exit status of the command. */
  readonly ended: Promise<number | null>;
}

/** The lines that a command shows on a terminal with this number of columns. */
export async function shownOn(
  width: number,
  command: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<string[]> {
  const window = openTerminal(['sh', '-c', `stty cols ${width}; exec "$@"`, 'sh', ...command], env);
  await window.ended;
  return window.shown().trimEnd().split('\r\n');
}

export function openTerminal(command: readonly string[], env: NodeJS.ProcessEnv): TerminalWindow {
  const words = ['-c', ON_A_TERMINAL, ...command];
  const child = untilEnd(spawn('python3', words, { env, stdio: ['pipe', 'pipe', 'inherit'] }));
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  child.stdin.on('error', () => {});
  const ended = new Promise<number | null>((resolve) => {
    child.once('close', (code) => resolve(code));
  });
  return {
    shown: () => output,
    saw: (text) =>
      eventually(`the terminal shows "${text}"`, () => output.includes(text)).catch((error: Error) => {
        throw new Error(`${error.message}; it shows:\n${output}`);
      }),
    type: (text) => child.stdin.write(text),
    close: async () => {
      child.kill('SIGKILL');
      await ended;
    },
    ended,
  };
}
