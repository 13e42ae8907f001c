import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseForward } from '../../src/lifecycle/forward.ts';
import { forwardSpec } from '../../src/ssh/arguments.ts';
import { UsageError } from '../../src/system/errors.ts';

/** What a user writes, and the `-L` that it stands for. */
const PORTS: readonly (readonly [text: string, spec: string])[] = [
  ['6006', '127.0.0.1:6006:localhost:6006'],
  ['1', '127.0.0.1:1:localhost:1'],
  ['65535', '127.0.0.1:65535:localhost:65535'],
  ['9000:6006', '127.0.0.1:9000:localhost:6006'],
  ['8787:localhost:8787', '127.0.0.1:8787:localhost:8787'],
  ['5432:db.example.org:5433', '127.0.0.1:5432:db.example.org:5433'],
  ['0.0.0.0:6006:localhost:6006', '0.0.0.0:6006:localhost:6006'],
  ['*:6006:localhost:6006', '*:6006:localhost:6006'],
  ['[::1]:6006:[::1]:6007', '[::1]:6006:[::1]:6007'],
  ['5432:[2001:db8::7]:5433', '127.0.0.1:5432:[2001:db8::7]:5433'],
];

for (const [text, spec] of PORTS) {
  test(`forward ${text} is -L ${spec}`, () => {
    assert.equal(forwardSpec(parseForward(text)), spec);
  });
}

for (const text of [
  '',
  'x',
  '0',
  '65536',
  '-1',
  '1.5',
  '6006:',
  ':6006',
  '0:6006',
  '6006:0',
  '1:2:3:4',
  '6006:host',
  '80:two words:80',
  '80:-L:x',
  '127.0.0.1:80',
  '127.0.0.1:80:80',
  'elsewhere:80:localhost:80',
]) {
  test(`"${text}" is an invalid port`, () => {
    assert.throws(
      () => parseForward(text),
      (error) => error instanceof UsageError && /LOCAL:HOST:PORT/.test(error.remedy ?? ''),
    );
  });
}
