import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readVersion } from '../../src/doctor/local-checks.ts';
import { hostChecks } from '../../src/doctor/remote-checks.ts';
import type { FrameKey } from '../../src/host/protocol.ts';
import { makeSpec } from '../../src/model/server-spec.ts';

/** What cannot be broken for real on every machine: how doctor interprets the output of a host. */

const spec = makeSpec('gpu', { destination: 'gpu' });

function layer(name: string, ...output: readonly (readonly [FrameKey, string])[]) {
  const order = ['logind', 'port', 'directory', 'disk', 'server', 'environment', 'jupyter', 'configuration'];
  const frames = [...output, ...order.map((value) => ['checked', value] as const)];
  const checks = hostChecks(
    frames.map(([key, value]) => ({ key, value })),
    spec,
  );
  return checks.find((check) => check.name === name);
}

test('an outdated ssh is reported', () => {
  assert.equal(readVersion('OpenSSH_9.2p1 Debian-2+deb12u7, OpenSSL 3.0.17 1 Jul 2025').verdict, 'ok');
  assert.equal(readVersion('OpenSSH_10.0p2, LibreSSL 3.3.6').verdict, 'ok');
  assert.equal(readVersion('OpenSSH_6.6.1p1, OpenSSL 1.0.1e-fips 11 Feb 2013').verdict, 'warning');
});

test('a host that kills what its users leave behind is reported, unless they may linger', () => {
  assert.equal(layer('logind', ['logind', 'false'])?.verdict, 'ok');
  assert.equal(layer('logind', ['logind', 'true'], ['linger', 'yes'])?.verdict, 'ok');
  const output = layer('logind', ['logind', 'true']);
  assert.equal(output?.verdict, 'warning');
  assert.equal(output?.fix, 'Run once on the host: loginctl enable-linger');
});

test('a disk without room for more files is reported', () => {
  const output = layer('disk', ['free', '99999999 /home/me'], ['inodes', '0 /home/me']);
  assert.equal(output?.found, 'room for 0 more files in /home/me');
});

test('a quota that is used up is reported', () => {
  const output = layer('disk', ['free', '99999999 /home/me'], ['quota', 'Over block quota on /home']);
  assert.deepEqual(
    [output?.verdict, output?.found],
    ['failed', 'over your quota: Over block quota on /home'],
  );
});

test('a directory that cannot be written is reported', () => {
  assert.equal(layer('directory', ['directory', '/data'], ['readonly', '/data'])?.verdict, 'warning');
});

test("a configuration that is no Jupyter's has no surprises, and breaks nothing", () => {
  for (const config of [
    'null',
    '[]',
    '{"ServerApp": {"__defineGetter__": 1, "constructor": "x"}}',
    '{"LabApp": 5}',
  ])
    assert.equal(layer('configuration', ['config', config])?.found, 'no surprises', config);
});
