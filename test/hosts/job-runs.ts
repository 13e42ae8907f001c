import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { RunStatus } from '../../src/model/run.ts';
import { type Cell, notebookOf } from './driver.ts';
import { json, printedIn, readNotebook, runOf, untilPrinted, writeNotebook } from './runs.ts';
import { eventually, type World } from './world.ts';

type Cells = readonly (string | Cell)[];

/** What tests do with notebooks that are executed in batch jobs. @param site has its world only once the suite has begun */
export function runsInJobs(launcher: string, site: { readonly world: World }) {
  const laptop = () => site.world.laptop;

  /** The words that execute a notebook of these cells in a job. */
  function words(name: string, cells: Cells, ...options: string[]): string[] {
    const path = writeNotebook(laptop(), `${name}.ipynb`, notebookOf(...cells));
    return ['run', path, 'loopback', '{F}', '--launcher', launcher, ...options];
  }

  /** Submits such a job, and returns what `--json` prints. */
  function submitted(name: string, cells: Cells, ...options: string[]): Promise<RunStatus> {
    return json<RunStatus>(laptop(), ...words(name, cells, ...options));
  }

  /** The same, and waits until its last cell prints "begun". */
  async function begun(name: string, cells: Cells, ...options: string[]): Promise<RunStatus> {
    const run = await submitted(name, cells, ...options);
    await untilPrinted(site.world, run.name, 'begun\n');
    return run;
  }

  /** Waits until a run is in this state, and its reason matches. */
  async function until(name: string, state: string, why = /(?:)/): Promise<RunStatus> {
    let run: RunStatus | undefined;
    const isSo = async () => {
      run = await runOf(laptop(), name);
      return run?.state === state && why.test(run.why ?? '');
    };
    await eventually(`${name} is ${state} with ${why}`, isSo, 240_000, 1000).catch((error) => {
      throw new Error(`${error.message}: it is ${JSON.stringify(run)}`);
    });
    assert.ok(run);
    return run;
  }

  /** What the fetched notebook of a run has printed. */
  async function fetched(name: string): Promise<string> {
    const file = join(String(laptop().env.HOME), `${name}.fetched.ipynb`);
    const { code, stderr } = await laptop().run('fetch', name, '--output', file, '--force');
    assert.equal(code, 0, stderr);
    return printedIn(readNotebook(file));
  }

  return { words, submitted, begun, until, fetched };
}
