import { consoleOnHost } from '../host/runs/runs.ts';
import type { RunPlace } from '../state/runs.ts';
import type { Context } from '../system/context.ts';
import { runOnTerminal } from '../system/run.ts';
import { hostOfRun, withHost } from './place.ts';

/**
 * Opens a console in the kernel of a run that has failed, until the user leaves it. Without a terminal, the code on standard input
 * is executed there. The kernel stays.
 * @returns the exit status of the console: 1 if the code has raised an error
 */
export function openConsole(name: string, place: RunPlace, context: Context): Promise<number> {
  return withHost(hostOfRun(place), context, async (server) => {
    const command = await consoleOnHost(server, name, process.stdin.isTTY === true);
    return (await runOnTerminal(command, context, 1)) ?? 1;
  });
}
