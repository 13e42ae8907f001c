import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDestination } from '../../src/ssh/destination.ts';
import { UsageError } from '../../src/system/errors.ts';

/** Destinations and how they are parsed: text, user, host. */
const DESTINATIONS: readonly (readonly [text: string, user: string | undefined, host: string])[] = [
  ['gpu', undefined, 'gpu'],
  ['me@gpu', 'me', 'gpu'],
  ['first.last@gpu.example.org', 'first.last', 'gpu.example.org'],
  // ssh(1) splits at the last @: some sites have user names like this.
  ['me@example.org@gateway', 'me@example.org', 'gateway'],
  ['192.0.2.7', undefined, '192.0.2.7'],
  ['me@2001:db8::7', 'me', '2001:db8::7'],
  ['ssh://gpu', undefined, 'gpu'],
  ['ssh://me@gpu:2222', 'me', 'gpu'],
  ['ssh://me@gpu:2222/', 'me', 'gpu'],
  ['ssh://me@[2001:db8::7]:22', 'me', '2001:db8::7'],
];

for (const [text, user, host] of DESTINATIONS) {
  test(`${text} is ${user ? `${user} on ` : ''}${host}`, () => {
    assert.deepEqual(parseDestination(text), { text, user, host });
  });
}

const REFUSED: readonly (readonly [text: string, why: RegExp])[] = [
  ['me:secret@gpu', /a destination cannot contain a password/],
  ['ssh://me:secret@gpu', /a destination cannot contain a password/],
  ['http://me:secret@gpu', /a destination cannot contain a password/],
  ['-oProxyCommand=x', /begins with a dash/],
  ['', /is empty or contains a space/],
  ['two words', /is empty or contains a space/],
  ['gpu\nHost', /is empty or contains a space/],
  ['gpu\0', /is empty or contains a space/],
  ['@gpu', /missing user or host in /],
  ['me@', /missing user or host in /],
  ['gpu:22', /ssh would take "gpu:22" as the name of the host/],
  ['ssh://gpu:0', /is not an ssh address/],
  ['ssh://gpu:65536', /is not an ssh address/],
  ['ssh://gpu/folder', /is not an ssh address/],
  ['ssh://-oProxyCommand=x', /is not an ssh address/],
  ['ssh://me@-oProxyCommand=x', /is not an ssh address/],
];

for (const [text, why] of REFUSED) {
  test(`${JSON.stringify(text.replace('secret', '…'))} is refused`, () => {
    assert.throws(
      () => parseDestination(text),
      (error) => {
        assert.ok(error instanceof UsageError);
        assert.match(error.message, why);
        assert.ok(error.remedy, 'it says what to do');
        assert.doesNotMatch(`${error.message} ${error.remedy}`, /secret/);
        return true;
      },
    );
  });
}
