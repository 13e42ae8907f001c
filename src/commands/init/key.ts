import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { yesOrNo } from '../../screen/questions.ts';
import type { Connection, Host } from '../../ssh/arguments.ts';
import {
  createKeyCommand,
  installKeyCommand,
  keyFiles,
  logsInAlone,
  openKeyCommand,
} from '../../ssh/keys.ts';
import { type Command, commandLine } from '../../system/command.ts';
import { Failure } from '../../system/errors.ts';
import { makeFolders } from '../../system/files.ts';
import { homeFolder } from '../../system/paths.ts';
import { run, runOnTerminal } from '../../system/run.ts';
import type { Dialogue } from './dialogue.ts';

/**
 * Offers a user without any key to create one and to install it on the host, over the open connection: with a password,
 * the tunnel cannot reconnect automatically.
 */
export async function offerKey(connection: Connection, dialogue: Dialogue): Promise<void> {
  const { terminal, ask, isAsking, kept, offered } = dialogue;
  const { context, show } = terminal;
  if (!isAsking || offered.has(connection.folder)) return;
  offered.add(connection.folder);
  const { hasAny, next } = await keyFiles(connection, context);
  if (hasAny || (await logsInAlone(connection, context))) return;
  const { destination } = connection;
  show(
    'You have no SSH key. With only a password, the tunnel cannot reconnect automatically after it is lost.',
  );
  if (
    !(await ask(yesOrNo(`Create a key (ssh-keygen) and install it on ${destination} (ssh-copy-id)?`, true)))
  )
    return;
  if (!(await createKey(next, dialogue))) return;
  if (!(await succeeds(installKeyCommand(connection, next), dialogue))) return;
  kept.push(`its public key on ${destination}`);
  show(`From now on, ssh logs in to ${destination} with ${next}.`);
}

/** Offers a user without any key to create one, and shows its public key, where the host accepts nothing else. */
export async function offerPublicKey(host: Host, dialogue: Dialogue): Promise<void> {
  const { terminal, ask } = dialogue;
  const { hasAny, next } = await keyFiles(host, terminal.context);
  if (hasAny || !(await ask(yesOrNo('You have no SSH key. Create one (ssh-keygen)?', true)))) return;
  if (!(await createKey(next, dialogue))) return;
  const { destination } = host;
  terminal.show(`Ask the administrator of ${destination} to add this line to ~/.ssh/authorized_keys there:`);
  terminal.show(readFileSync(`${next}.pub`, 'utf8').trim());
}

/** Returns whether the key was created. */
async function createKey(file: string, dialogue: Dialogue): Promise<boolean> {
  const { context, show } = dialogue.terminal;
  show(
    'A passphrase protects the key if somebody copies its file. Without an ssh agent, ssh asks for it at each login.',
  );
  // ssh-copy-id makes its temporary files in ~/.ssh, which may not exist yet.
  for (const folder of [dirname(file), join(homeFolder(context.env), '.ssh')]) makeFolders(folder, 0o700);
  if (!(await succeeds(createKeyCommand(file), dialogue))) return false;
  dialogue.kept.push(`the key ${file}`);
  if ((await run(openKeyCommand(file), context)).code !== 0)
    show(
      `So that the tunnel can reconnect automatically, add the key to your agent: ${commandLine(['ssh-add', file])}`,
    );
  return true;
}

/** Runs a command that asks on the terminal. A failure is shown, and init goes on without it. */
async function succeeds(command: Command, { terminal }: Dialogue): Promise<boolean> {
  const code = await runOnTerminal(command, terminal.context);
  if (code === 0) return true;
  terminal.showFailure(new Failure(`${command[0]} failed (exit status ${code})`));
  return false;
}
