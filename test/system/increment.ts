// A process of files.test.ts: adds one to a number in a file, so often, under its lock.
import { readFileSync } from 'node:fs';
import { withLock, writePrivateFile } from '../../src/system/files.ts';

const [file = '', times = '0'] = process.argv.slice(2);
for (let time = 0; time < Number(times); time++) {
  await withLock(file, new AbortController().signal, async () => {
    await writePrivateFile(file, String(Number(readFileSync(file, 'utf8')) + 1));
  });
}
