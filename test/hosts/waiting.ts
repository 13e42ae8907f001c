import { test } from 'node:test';
import { makeAccount } from './accounts.ts';
import { worldFor } from './lasting.ts';
import { NO_ACCOUNTS } from './needs.ts';
import { started } from './servers.ts';

/** A test file that runs until it is interrupted: it has a server and, if possible, an account. */

test('waits', async (context) => {
  if (!NO_ACCOUNTS) {
    const account = makeAccount('bash');
    context.after(() => account.remove());
    console.error(account.name);
  }
  const world = await worldFor(context);
  await started(world.laptop);
  console.error('started');
  await new Promise((resolve) => setTimeout(resolve, 600_000));
});
