import { statSync } from 'node:fs';
import { join } from 'node:path';
import { notebookOf } from '../hosts/driver.ts';
import { EXECUTORS, Execution, NO_EXECUTORS, OURS } from '../hosts/executors.ts';
import { untilEnded, writeNotebook } from '../hosts/runs.ts';
import { makeWorld } from '../hosts/world.ts';
import { tableOfLosses } from './losses.ts';
import { own } from './run.ts';
import { add, median, ratio, type Samples, type Section, timed } from './samples.ts';
import { LOGIN, login } from './verbs.ts';

/** The execution of whole notebooks, beside the other programs that do it. */

const CELLS = [1, 200] as const;
const PLAIN = EXECUTORS[1]?.name ?? '';

export async function measureRuns(rounds: number): Promise<Section[]> {
  const detached = await measureDetached(rounds);
  if (NO_EXECUTORS) return [detached, notMeasured(NO_EXECUTORS)];
  return [detached, ...(await measureExecutors(rounds)), await tableOfLosses()];
}

/** How long `run` takes until nothing on this machine is needed any more. */
async function measureDetached(rounds: number): Promise<Section> {
  const samples: Samples = new Map();
  const [start, fetch] = ['`run`, until it is detached', '`fetch`'];
  const world = await makeWorld();
  const { env } = world.laptop;
  const path = writeNotebook(world.laptop, 'detached.ipynb', notebookOf('1'));
  const options = ['-F', world.sshd.sshConfig, '--json'];
  try {
    // The first one compiles the modules of Python and Node.
    for (let round = 0; round <= rounds; round++) {
      const kept: Samples = round === 0 ? new Map() : samples;
      await login(world, world.sshd.sshConfig, kept);
      const shown = await timed(kept, start, () => own(env, 'run', path, 'loopback', ...options));
      const { name } = JSON.parse(shown);
      await untilEnded(world, name);
      await timed(kept, fetch, () => own(env, 'fetch', name, '--force'));
    }
  } finally {
    await world.remove();
  }
  const more = Math.round(median(samples, start) - median(samples, LOGIN));
  const findings = [
    `\`run\` takes ${more} ms more than \`ssh HOST true\`. It returns when the driver on the host has read the notebook.`,
  ];
  return { title: 'A notebook executed on the host: `run` and `fetch`', unit: 'ms', samples, findings };
}

const SOURCE_OF_100_MB =
  'line = "x" * 99 + "\\n"\nimport sys\nfor n in range(1000): sys.stdout.write(line * 1000)';

async function measureExecutors(rounds: number): Promise<Section[]> {
  const [times, memory, large, sizes]: [Samples, Samples, Samples, Samples] = [
    new Map(),
    new Map(),
    new Map(),
    new Map(),
  ];
  for (let round = 0; round <= rounds; round++)
    for (const executor of EXECUTORS) {
      const { name } = executor;
      for (const count of CELLS) {
        const notebook = notebookOf(...Array.from({ length: count }, (_, n) => `x = ${n}`));
        const kept: Samples = round === 0 ? new Map() : times;
        const execution = await timed(kept, `${name}, ${cells(count)}`, () => finished(executor, notebook));
        if (round > 0) add(memory, `${name}, ${cells(count)}`, execution.memory / 1000);
      }
      if (round === 0) continue;
      const begin = performance.now();
      const execution = await finished(executor, notebookOf(SOURCE_OF_100_MB));
      add(large, name, (performance.now() - begin) / 1000);
      add(memory, `${name}, 100 MB of text`, execution.memory / 1000);
      add(sizes, name, statSync(join(execution.folder, 'output.ipynb')).size / 1e6);
    }
  const many = cells(200);
  const one = median(times, `${OURS}, ${cells(1)}`) - median(times, `${PLAIN}, ${cells(1)}`);
  return [
    {
      title: 'Trivial cells on the host, from the start of the program to its end',
      columns: CELLS.map((count) => `, ${cells(count)}`),
      unit: 'ms',
      samples: times,
      findings: [
        `With ${many}, the driver takes ${ratio(times, `${OURS}, ${many}`, `${PLAIN}, ${many}`)} times as long as nbclient; with one cell, ${one < 0 ? `${Math.round(-one)} ms less` : `${Math.round(one)} ms more`}. Of the others, only papermill also saves the notebook meanwhile.`,
      ],
    },
    {
      title: 'One cell that prints 100 MB of text',
      unit: 's',
      samples: large,
      findings: EXECUTORS.map(
        ({ name }) => `The notebook of ${name} has ${Math.round(median(sizes, name))} MB afterwards.`,
      ),
    },
    {
      title: 'Peak memory of the program that executes a notebook, without its kernel',
      columns: [...CELLS.map((count) => `, ${cells(count)}`), ', 100 MB of text'],
      unit: 'MB',
      samples: memory,
      findings: [
        'Of the text that a cell prints, remote-notebook keeps 10 MB in the notebook, and 100 MB in the log of the run.',
      ],
    },
  ];
}

function cells(count: number): string {
  return count === 1 ? '1 cell' : `${count} cells`;
}

async function finished(
  executor: (typeof EXECUTORS)[number],
  notebook: ReturnType<typeof notebookOf>,
): Promise<Execution> {
  const execution = new Execution(executor, notebook);
  const code = await execution.ended;
  if (code !== 0) throw new Error(`${executor.name} ended with ${code}: ${execution.said}`);
  return execution;
}

function notMeasured(missing: string): Section {
  return {
    title: 'Other programs that execute notebooks',
    unit: 'ms',
    samples: new Map(),
    findings: [`They were not measured: ${missing}.`],
  };
}
