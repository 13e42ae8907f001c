import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { commandLineOf, keeperOf, traces } from '../hosts/traces.ts';
import { eventually, makeWorld, type Running, type World } from '../hosts/world.ts';

/** Whoever interrupts a start, in whichever phase, finds nothing of it left: not here, not on the host. */

interface Phase {
  readonly name: string;
  /** Lines for the ssh_config of its world. */
  readonly sshConfig?: readonly string[];
  /** Prepares a host on which a start stays in this phase, and answers with arguments for the start. */
  prepare(world: World): readonly string[];
  /** Waits until the start has come so far. */
  reach(world: World, start: Running): Promise<void>;
}

/** What is put on the host writes this file, to tell that it runs. */
function flag(world: World): string {
  return join(world.home, 'reached');
}

function hasFlag(world: World): Promise<void> {
  return eventually('the host is where it is to be held', () => existsSync(flag(world)));
}

/** A command that starts a real Jupyter, and holds it back until the file `go` is there. */
function heldCommand(world: World): string {
  const script = join(world.home, 'held');
  const lines = [
    `: >'${flag(world)}'`,
    `until [ -e '${world.home}/go' ]; do sleep 0.05; done`,
    'exec jupyter notebook "$@"',
  ];
  writeFileSync(script, ['#!/bin/sh', ...lines, ''].join('\n'), { mode: 0o755 });
  return script;
}

/** A real Jupyter that stops itself, as Ctrl-Z does, as soon as it can be found. */
const STOPS_ITSELF = `import os, signal
try:
    from notebook.notebookapp import NotebookApp as App
except ImportError:
    from jupyter_server.serverapp import ServerApp as App
write = App.write_server_info_file
def write_and_stop(self):
    write(self)
    os.kill(os.getpid(), signal.SIGSTOP)
App.write_server_info_file = write_and_stop
`;

const PHASES: readonly Phase[] = [
  {
    name: 'connect',
    sshConfig: ['ProxyCommand sleep 600'],
    prepare: () => [],
    reach: (world) =>
      eventually('ssh waits for its ProxyCommand', () =>
        world.processes().some((pid) => commandLineOf(pid) === 'sleep 600'),
      ),
  },
  {
    name: 'environment',
    prepare: (world) => {
      mkdirSync(join(world.home, 'venv', 'bin'), { recursive: true });
      const lines = [`: >'${flag(world)}'`, 'sleep 600', 'sleep 600', ''];
      writeFileSync(join(world.home, 'venv', 'bin', 'activate'), lines.join('\n'));
      return ['--environment', 'venv'];
    },
    reach: hasFlag,
  },
  {
    name: 'jupyter',
    prepare: (world) => ['--command', heldCommand(world)],
    reach: hasFlag,
  },
  {
    name: 'forward',
    prepare: (world) => ['--command', heldCommand(world)],
    reach: async (world, start) => {
      await hasFlag(world);
      // A keeper that is stopped sets up no forward.
      process.kill(keeperOf(world.laptop).keeper?.pid ?? 0, 'SIGSTOP');
      writeFileSync(join(world.home, 'go'), '');
      await start.saw('✓ jupyter');
    },
  },
  {
    name: 'prove',
    prepare: (world) => {
      mkdirSync(join(world.home, '.jupyter'));
      for (const app of ['notebook', 'server'])
        writeFileSync(join(world.home, '.jupyter', `jupyter_${app}_config.py`), STOPS_ITSELF);
      return [];
    },
    reach: (_, start) => start.saw('✓ forward'),
  },
];

for (const phase of PHASES) {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    test(`${signal} in the phase "${phase.name}" of a start leaves nothing behind`, async () => {
      const world = await makeWorld({ sshConfig: phase.sshConfig ?? [] });
      try {
        const args = phase.prepare(world);
        const start = world.laptop.start('start', 'loopback', '{F}', '--no-open', ...args);
        await phase.reach(world, start);
        start.signal(signal);
        const { code, stdout, stderr } = await start.ended;
        assert.equal(code, 130, stderr);
        assert.equal(stdout, '');
        assert.match(stderr, /(^|\n)Interrupted; nothing is left behind\.\n$/);
        assert.deepEqual(traces(world, world.laptop), []);
      } finally {
        await world.remove();
      }
    });
  }
}

test('a wrapper around Jupyter goes with all that it has started', async () => {
  const world = await makeWorld();
  try {
    const command = `sh -c ': >"${flag(world)}"; (sleep 600; :) & sleep 600; :'`;
    const start = world.laptop.start('start', 'loopback', '{F}', '--no-open', '--command', command);
    await hasFlag(world);
    start.signal('SIGINT');
    assert.equal((await start.ended).code, 130);
    assert.deepEqual(traces(world, world.laptop), []);
  } finally {
    await world.remove();
  }
});

test('a start that waits for the one of another laptop is interrupted alone', async () => {
  const world = await makeWorld();
  try {
    const held = ['--command', heldCommand(world)];
    const first = world.laptop.start('start', 'loopback', '{F}', '--no-open', ...held);
    await hasFlag(world);
    const other = world.anotherLaptop();
    const second = other.start('start', 'loopback', '{F}', '--no-open', ...held);
    await second.saw('✓ connect');
    second.signal('SIGINT');
    const { code, stderr } = await second.ended;
    assert.equal(code, 130, stderr);
    writeFileSync(join(world.home, 'go'), '');
    const finished = await first.ended;
    assert.equal(finished.code, 0, finished.stderr);
    assert.equal((await world.laptop.run('status')).code, 0);
    assert.equal((await world.laptop.run('stop')).code, 0);
    assert.deepEqual([...traces(world, world.laptop), ...traces(world, other)], []);
  } finally {
    await world.remove();
  }
});
