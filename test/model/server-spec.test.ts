import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultName, makeSpec } from '../../src/model/server-spec.ts';
import { UsageError } from '../../src/system/errors.ts';

/** The settings of a server that runs in no batch job. */
const NO_JOB = {
  launcher: 'direct',
  time: undefined,
  cpus: undefined,
  memory: undefined,
  gpus: undefined,
  partition: undefined,
  account: undefined,
  jobOption: [],
  exposeOnClusterNetwork: false,
  queueTimeout: undefined,
};

test('a destination is enough for a server: home folder, no environment, a socket', () => {
  assert.deepEqual(makeSpec('gpu', { destination: 'me@gpu' }), {
    name: 'gpu',
    destination: 'me@gpu',
    sshConfig: undefined,
    directory: '',
    setup: [],
    environment: '',
    command: '',
    port: undefined,
    localPort: undefined,
    strictPort: false,
    idleTimeout: undefined,
    ...NO_JOB,
  });
});

test('the settings of a server are kept', () => {
  const settings = {
    destination: 'gpu',
    directory: " it's ~ here ",
    setup: ['module load x', 'export Y="$Z"'],
    environment: '~/venv',
    command: 'nice jupyter lab',
    port: 1,
    localPort: 65535,
    strictPort: true,
    idleTimeout: '120m',
    sshConfig: '/ssh_config',
  };
  assert.deepEqual(makeSpec('work', settings), {
    name: 'work',
    destination: 'gpu',
    sshConfig: '/ssh_config',
    directory: " it's ~ here ",
    setup: ['module load x', 'export Y="$Z"'],
    environment: '~/venv',
    command: 'nice jupyter lab',
    port: 1,
    localPort: 65535,
    strictPort: true,
    idleTimeout: '2h',
    ...NO_JOB,
  });
});

test('a name may be any file name that does not lead out of its folder', () => {
  for (const name of ['gpu', 'gpu-2.example_org', '2', '_', 'Übung', '日本', 'x'.repeat(64)])
    assert.equal(makeSpec(name, { destination: 'gpu' }).name, name);
  for (const name of [
    '',
    '.',
    '..',
    '.x',
    '-x',
    'a/b',
    'a b',
    'a\nb',
    'a*',
    'x'.repeat(65),
    'toString',
    '__proto__',
  ])
    assert.throws(() => makeSpec(name, { destination: 'gpu' }), UsageError, name);
});

test('a port is a whole number from 1 to 65535, local or on the host', () => {
  for (const port of [0, -1, 65536, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    for (const [setting, option] of [
      ['port', 'port'],
      ['localPort', 'local-port'],
    ] as const) {
      assert.throws(
        () => makeSpec('gpu', { destination: 'gpu', [setting]: port }),
        new RegExp(`--${option} is .*: a port is a whole number from 1 to 65535`),
      );
    }
  }
});

test('a value with a line break is rejected: it cannot be sent to the host', () => {
  for (const option of ['directory', 'environment', 'command'] as const)
    for (const value of ['a\nb', 'a\rb', 'a\0b'])
      assert.throws(() => makeSpec('gpu', { destination: 'gpu', [option]: value }), UsageError);
});

/** A destination, and the default name of its server. */
const DEFAULT_NAMES: readonly (readonly [destination: string, name: string])[] = [
  ['gpu', 'gpu'],
  ['me@gpu.example.org', 'gpu.example.org'],
  ['ssh://me@gpu:2222', 'gpu'],
  ['me@2001:db8::7', '2001-db8--7'],
  ['..hidden', 'hidden'],
  ['%%', 'notebook'],
  ['x'.repeat(100), 'x'.repeat(64)],
];

for (const [destination, name] of DEFAULT_NAMES) {
  test(`a server on ${destination.slice(0, 20)} is called ${name.slice(0, 20)}, a valid name`, () => {
    assert.equal(defaultName(destination), name);
    assert.equal(makeSpec(name, { destination }).name, name);
  });
}
