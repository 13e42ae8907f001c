import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { test } from 'node:test';
import type { FoundServer } from '../../src/host/listing.ts';
import { parseFrame } from '../../src/host/protocol.ts';
import { runStartScript } from '../../src/host/runs/runs.ts';
import { type Script, scriptText } from '../../src/host/script.ts';
import { adoptScript, launchScript } from '../../src/host/servers.ts';
import { parseRuntimeFile } from '../../src/jupyter/server.ts';
import { makeSpec } from '../../src/model/server-spec.ts';
import { scriptVariables } from '../../src/model/settings.ts';
import { RELAY_SCRIPT } from '../hosts/host-end.ts';
import { missing } from '../hosts/needs.ts';
import { AWKWARD_FOLDERS } from '../hosts/shells.ts';

/** The output of the stop script for a server that does not exist. */
function runStop(shell: string, folder: string): string[] {
  const variables = { folder, pid: '', startTime: '', launch: '', grace: '0' };
  const text = scriptText({ name: 'stop', variables });
  return execFileSync(shell, ['-s'], { input: text, encoding: 'utf8' }).split('\n');
}

for (const shell of ['sh', 'dash', 'bash'] as const) {
  test(`${shell} runs a script from standard input with any characters in its values`, {
    skip: missing(shell),
  }, () => {
    for (const name of AWKWARD_FOLDERS) {
      const answer = runStop(shell, `/nowhere/${name}`);
      assert.deepEqual(answer.filter(parseFrame), ['@remote-notebook gone'], name);
    }
  });
}

test('if only a part of a script arrives, nothing runs', () => {
  const variables = { folder: '/nowhere', pid: '', startTime: '', launch: '', grace: '0' };
  const text = scriptText({ name: 'stop', variables });
  for (const part of [0.3, 0.9, 0.99]) {
    const cut = text.slice(0, Math.floor(text.length * part));
    assert.throws(
      () =>
        execFileSync('/bin/sh', ['-s'], { input: cut, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] }),
      (error: { stdout?: string }) => {
        assert.equal(error.stdout, '');
        return true;
      },
    );
  }
});

const spec = makeSpec('gpu', { destination: 'gpu' });
const server: FoundServer = {
  info: parseRuntimeFile('{"pid": 2, "port": 8888, "token": ""}'),
  identity: { kind: 'process', node: 'gpu', pid: 2, startTime: '1' },
  file: '/runtime.json',
  upSeconds: 1,
  command: 'jupyter lab',
  records: [],
};
const settings = { name: 'gpu', ...scriptVariables(spec), no_socket: '', fallback_port: '8889' };
const empty = (...names: readonly string[]) => Object.fromEntries(names.map((name) => [name, '']));
const RECORD = ['folder', 'pid', 'start_time', 'origin', 'machine'];
const SCRIPTS: readonly Script[] = [
  await launchScript(spec, 'start', 'x', { timeoutMs: 0 }),
  await adoptScript(spec, server, 'x'),
  { name: 'doctor', variables: { ...settings, ...empty('no_socket', 'fallback_port') } },
  { name: 'environments', variables: settings },
  { name: 'stop', variables: empty(...RECORD, 'launch', 'grace') },
  { name: 'look', variables: empty(...RECORD, 'port') },
  { name: 'logs', variables: empty(...RECORD, 'name', 'directory', 'file', 'lines', 'follow') },
  runStartScript(spec, {
    id: 'x',
    name: 'train',
    taken: [],
    notebook: 'train.ipynb',
    order: { notebook: '', parameters: '{}' },
    beside: [],
    sent: false,
    force: false,
  }),
  { name: 'runs/console', variables: empty('run', 'within', 'console_program') },
  {
    name: 'runs/job',
    variables: { ...scriptVariables(spec), ...empty('launch', 'from', 'notebook', 'scheduler') },
  },
  { name: 'runs/list', variables: empty('run') },
  { name: 'runs/stop', variables: empty('run', 'launch') },
  { name: 'runs/result', variables: empty('run') },
  { name: 'runs/remove', variables: empty('run') },
  { name: 'end', variables: empty('folder', 'job', 'grace') },
  { name: 'jobs', variables: empty('scheduler', 'jobs') },
  {
    name: 'job',
    variables: {
      ...settings,
      ...empty('launch', 'from', 'origin', 'timeout', 'scheduler', 'relay_program'),
    },
  },
  { name: 'servers', variables: empty('all') },
  { name: 'kernels', variables: empty('folders') },
  { name: 'resources', variables: empty('directories') },
];

for (const script of SCRIPTS) {
  test(`${script.name}.sh and its parts read only variables that one of them sets`, {
    skip: missing('shellcheck'),
  }, () => {
    const { status, stdout } = spawnSync('shellcheck', ['--norc', '--shell=sh', '--include=SC2154', '-'], {
      input: scriptText(script),
      encoding: 'utf8',
    });
    assert.equal(stdout, '');
    assert.equal(status, 0);
  });
}

test('a launch brings the relay packed, which unpacks itself', () => {
  const program = SCRIPTS[0]?.variables.relay_program ?? '';
  assert.ok(program.length < statSync(RELAY_SCRIPT).size / 2);
  const { stderr } = spawnSync('python3', ['-I', '-'], { input: program, encoding: 'utf8' });
  assert.match(stderr, /^usage: relay\.py start RECORD SOCKET/);
});
