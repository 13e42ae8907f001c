// A process of lock.test.ts: does something to a file under its lock.
//   add TIMES   adds one to the number in it, TIMES times
//   crash       adds one, and is killed before it can release the lock
//   hold        writes its PID into it, and holds the lock until it is ended
import { readFileSync } from 'node:fs';
import { withLock } from '../../src/state/lock.ts';
import { quietContext } from '../../src/system/context.ts';
import { writePrivateFile } from '../../src/system/files.ts';

const context = quietContext(process.env);

const [file = '', what = '', times = '1'] = process.argv.slice(2);
for (let time = 0; time < Number(times); time++) {
  await withLock(file, context, async () => {
    const number = what === 'hold' ? process.pid : Number(readFileSync(file, 'utf8')) + 1;
    await writePrivateFile(file, String(number));
    if (what === 'crash') process.kill(process.pid, 'SIGKILL');
    if (what !== 'add') await new Promise((resolve) => setTimeout(resolve, 2 ** 31 - 1));
  });
}
