import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { TROUBLESHOOTING, troubleshooting } from './page.ts';

test('the page about messages lists each cause with the advice that the commands give (make reference writes it)', () => {
  assert.equal(readFileSync(TROUBLESHOOTING, 'utf8'), troubleshooting());
});
