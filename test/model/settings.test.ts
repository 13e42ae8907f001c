import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VERBS } from '../../src/commands/verbs.ts';
import { readCommandLine } from '../../src/line/command-line.ts';
import { makeSpec, type ServerSpec } from '../../src/model/server-spec.ts';
import {
  optionName,
  SETTING_NAMES,
  scriptVariables,
  settingArgs,
  settingOf,
  unmetSettings,
} from '../../src/model/settings.ts';

/** Each setting with a value that is not the default, difficult where possible. */
const spec = makeSpec('work', {
  destination: 'gpu',
  directory: "-d it's = here",
  setup: ['--setup', 'export Y="$Z"'],
  environment: 'conda:ml',
  command: 'nice jupyter lab',
  port: 1,
  localPort: 65535,
  socket: true,
  strictPort: true,
  idleTimeout: '90m',
  sshConfig: '/ssh config',
});
const plain = makeSpec('work', { destination: 'gpu' });

test('the values in this file differ from the defaults, for every setting', () => {
  for (const name of SETTING_NAMES) assert.notDeepEqual(spec[name], settingOf(name).default, name);
});

test('the options in an alias make the same server, and defaults need no options', async () => {
  const line = await readCommandLine(['start', 'gpu', ...settingArgs(spec)], VERBS);
  assert.deepEqual(makeSpec('work', { ...line?.args, destination: 'gpu' }), spec);
  assert.deepEqual(settingArgs(plain), []);
});

test("the host's scripts get the settings for the host: as seconds, lines, yes, or empty", () => {
  assert.deepEqual(scriptVariables(spec), {
    directory: "-d it's = here",
    setup: '--setup\nexport Y="$Z"',
    environment: 'conda:ml',
    command: 'nice jupyter lab',
    port: '1',
    socket: 'yes',
    strict_port: 'yes',
    idle_timeout: '5400',
  });
  assert.deepEqual(
    Object.entries(scriptVariables(plain)).filter(([, value]) => value !== ''),
    [['port', '8889']],
  );
});

test('a requested setting that differs from the running server is unmet, except those that only affect a start', () => {
  const names = SETTING_NAMES.filter((name) => name !== 'strictPort');
  assert.deepEqual(unmetSettings(spec, plain), names.map(optionName));
  assert.deepEqual(unmetSettings(spec, spec), []);
  assert.deepEqual(unmetSettings(plain, spec), []);
});

test('equal durations are the same, however they are written', () => {
  const idle = (idleTimeout: string): ServerSpec => makeSpec('work', { destination: 'gpu', idleTimeout });
  assert.deepEqual(idle('120m'), idle('2h'));
  assert.deepEqual(idle('48h'), idle('2d'));
});
