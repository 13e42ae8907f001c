import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { untilEnd } from '../hosts/standing.ts';
import { programOfToday } from '../hosts/today.ts';

/** Runs cells in one kernel, as the page of a notebook does: through the API of Jupyter. */
export interface Cells {
  /**
   * Whether the output of a cell has arrived within this time. The first cell starts the kernel.
   * @param url the page of the server, with its token
   */
  run(url: string, kernel: string, withinS?: number): Promise<boolean>;
  end(): void;
}

const PROGRAM = fileURLToPath(new URL('cell.py', import.meta.url));

/** Starts the program that runs them, and returns when it is ready. */
export async function makeCells(): Promise<Cells> {
  const child = untilEnd(spawn(programOfToday('python'), [PROGRAM], { stdio: ['pipe', 'pipe', 'inherit'] }));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const { done, value } = await lines.next();
    if (done) throw new Error('the program that runs cells has ended');
    return value;
  };
  await next();
  let id: string | undefined;
  return {
    run: async (url, kernel, within = 60) => {
      child.stdin.write(`${JSON.stringify({ url, within, ...(id ? { id } : { kernel }) })}\n`);
      const answer = await next();
      id ??= answer || undefined;
      return answer !== '';
    },
    end: () => void child.kill('SIGKILL'),
  };
}
