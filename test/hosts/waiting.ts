import { test } from 'node:test';
import { makeAccount } from './accounts.ts';
import { worldFor } from './lasting.ts';
import { NO_ACCOUNTS } from './needs.ts';
import { started } from './servers.ts';

/** A file of tests to be interrupted: it has a server, an account where it can, and no end. */

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
