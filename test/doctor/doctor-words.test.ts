import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readVersion } from '../../src/doctor/local-checks.ts';
import { hostChecks } from '../../src/doctor/remote-checks.ts';
import type { FrameKey } from '../../src/host/protocol.ts';
import { makeSpec } from '../../src/model/server-spec.ts';

/** What cannot be broken for real on every machine: how doctor interprets the output of a host. */

const spec = makeSpec('gpu', { destination: 'gpu', port: 8889 });

function layer(name: string, ...output: readonly (readonly [FrameKey, string])[]) {
  const order = [
    'tools',
    'logind',
    'port',
    'directory',
    'disk',
    'server',
    'environment',
    'jupyter',
    'configuration',
    'kernel',
  ];
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

test('a host that ends processes at logout is reported, unless lingering is on', () => {
  assert.equal(layer('logind', ['logind', 'false'])?.verdict, 'ok');
  assert.equal(layer('logind', ['logind', 'true'], ['linger', 'yes'])?.verdict, 'ok');
  const output = layer('logind', ['logind', 'true']);
  assert.equal(output?.verdict, 'warning');
  assert.equal(output?.fix, 'Run once on the host: loginctl enable-linger');
});

test('if a host cannot list its listening ports, its port is not reported as free', () => {
  assert.equal(layer('port')?.found, '8889 is free');
  const output = layer('port', ['unseen', '']);
  assert.equal(output?.verdict, 'warning');
  assert.match(output.found, /^could not check whether port 8889 is free: /);
});

/** The frames of a default kernel with this command, in a venv whose Python runs Jupyter. */
function kernelOf(...argv: readonly string[]) {
  const kernelspecs = argv.length === 0 ? {} : { mine: { spec: { argv }, resource_dir: '/k/mine' } };
  return layer(
    'kernel',
    ['prefix', '/home/me/venv'],
    ['python', '/home/me/venv/bin/python3'],
    ['kernels', JSON.stringify({ default: 'mine', kernelspecs })],
  );
}

test('a default kernel that is missing, or in another environment, is reported', () => {
  assert.equal(kernelOf('python3')?.found, 'cells run in /home/me/venv/bin/python3');
  assert.equal(kernelOf('/home/me/venv/bin/python')?.verdict, 'ok');
  assert.equal(
    kernelOf('/home/me/venv2/bin/python')?.found,
    'cells run in /home/me/venv2/bin/python, outside the environment "/home/me/venv" (kernelspec: /k/mine)',
  );
  assert.equal(kernelOf()?.verdict, 'warning');
  assert.match(kernelOf()?.found ?? '', /^Jupyter has no kernel "mine"/);
});

test('a kernel of another language, or one that a wrapper starts, is shown without a warning', () => {
  for (const argv of [
    ['/usr/bin/R', '--slave'],
    ['conda', 'run', 'python'],
  ] as const) {
    const { verdict, found } = kernelOf(...argv) ?? {};
    assert.deepEqual([verdict, found], ['ok', 'cells run in the kernel mine']);
  }
});

test('a disk without room for more files is reported', () => {
  const output = layer('disk', ['free', '99999999 /home/me'], ['inodes', '0 /home/me']);
  assert.equal(output?.found, '/home/me has room for only 0 more files');
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

test('output that is not a configuration of Jupyter causes no report and no crash', () => {
  for (const config of [
    'null',
    '[]',
    '{"ServerApp": {"__defineGetter__": 1, "constructor": "x"}}',
    '{"LabApp": 5}',
  ])
    assert.equal(
      layer('configuration', ['config', config])?.found,
      'no setting that affects a start',
      config,
    );
});
