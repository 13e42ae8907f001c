import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fetchResult } from '../../src/runs/result.ts';
import { quietContext } from '../../src/system/context.ts';
import { UsageError } from '../../src/system/errors.ts';

test('a folder as the file for a result is refused before the host is asked', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rn-result-'));
  const context = quietContext({ HOME: folder, XDG_STATE_HOME: join(folder, 'state') });
  const fetched = fetchResult('train-1', { destination: 'gpu' }, { output: folder, force: false }, context);
  await assert.rejects(
    fetched,
    (error) => error instanceof UsageError && /EISDIR|is a directory/i.test(error.message),
  );
  rmSync(folder, { recursive: true });
});
