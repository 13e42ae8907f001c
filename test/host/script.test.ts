import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { test } from 'node:test';
import type { FoundServer } from '../../src/host/listing.ts';
import { parseFrame } from '../../src/host/protocol.ts';
import { type Script, scriptText } from '../../src/host/script.ts';
import { adoptScript, launchScript } from '../../src/host/servers.ts';
import { parseRuntimeFile } from '../../src/jupyter/server.ts';
import { makeSpec } from '../../src/model/server-spec.ts';
import { scriptVariables } from '../../src/model/settings.ts';
import { lacks } from '../hosts/needs.ts';
import { AWKWARD_FOLDERS } from '../hosts/shells.ts';

/** The output of the stop script for a server that does not exist. */
function runStop(shell: string, folder: string): string[] {
  const variables = { folder, pid: '', startTime: '', launch: '', grace: '0' };
  const text = scriptText({ name: 'stop', variables });
  return execFileSync(shell, ['-s'], { input: text, encoding: 'utf8' }).split('\n');
}

for (const shell of ['sh', 'dash', 'bash'] as const) {
  test(`${shell} runs a script from its standard input, whatever characters its values contain`, {
    skip: lacks(shell),
  }, () => {
    for (const name of AWKWARD_FOLDERS) {
      const answer = runStop(shell, `/nowhere/${name}`);
      assert.deepEqual(answer.filter(parseFrame), ['@remote-notebook gone'], name);
    }
  });
}

test('a script that arrives only in part runs nothing', () => {
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
const settings = { name: 'gpu', ...scriptVariables(spec) };
const empty = (...names: readonly string[]) => Object.fromEntries(names.map((name) => [name, '']));
const SCRIPTS: readonly Script[] = [
  launchScript(spec, 'start', 'x', { timeoutMs: 0 }),
  adoptScript(spec, server, 'x'),
  { name: 'doctor', variables: settings },
  { name: 'environments', variables: settings },
  { name: 'stop', variables: empty('folder', 'pid', 'start_time', 'token', 'launch', 'grace') },
  { name: 'look', variables: empty('folder', 'pid', 'start_time') },
  { name: 'logs', variables: empty('folder', 'lines', 'follow') },
  { name: 'servers', variables: empty('all') },
  { name: 'resources', variables: empty('directories') },
];

for (const script of SCRIPTS) {
  test(`${script.name}.sh and its parts read only variables that one of them sets`, {
    skip: lacks('shellcheck'),
  }, () => {
    const { status, stdout } = spawnSync('shellcheck', ['--norc', '--shell=sh', '--include=SC2154', '-'], {
      input: scriptText(script),
      encoding: 'utf8',
    });
    assert.equal(stdout, '');
    assert.equal(status, 0);
  });
}
