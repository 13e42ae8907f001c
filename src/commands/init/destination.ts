import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { makeSpec } from '../../model/server-spec.ts';
import { isPort } from '../../model/setting-values.ts';
import { yesOrNo } from '../../screen/questions.ts';
import { knownHosts } from '../../ssh/aliases.ts';
import { type HostBlock, hostBlockLines, verifyHostWord } from '../../ssh/host-block.ts';
import { lookUp } from '../../ssh/resolve.ts';
import { addHost } from '../../ssh/write-host.ts';
import { Failure, Interrupted, UsageError } from '../../system/errors.ts';
import { nearest } from '../../system/nearest.ts';
import type { Dialogue } from './dialogue.ts';

/** So many names of hosts are shown; Tab knows them all. */
const SHOWN = 12;

/**
 * Asks where, until there is an answer that ssh can do something with. A host that nobody knows gets a Host of its own
 * in the ssh_config, if the user wants that.
 * @param given what the command line says
 */
export async function askDestination(given: string | undefined, dialogue: Dialogue): Promise<string> {
  const { terminal, ask, isAsking, sshConfig } = dialogue;
  const { file, aliases } = knownHosts(sshConfig);
  let answer = given === undefined ? undefined : await settled(verify(given), aliases, file, dialogue);
  while (answer === undefined) {
    const shown = aliases.slice(0, SHOWN).join(', ') + (aliases.length > SHOWN ? ', …' : '');
    if (isAsking && aliases.length > 0) terminal.say(`${file} names: ${shown}`);
    const destination = await ask({
      text:
        aliases.length > 0
          ? 'Host (one of these, user@host, or a new name):'
          : 'Host (user@host, or a new name):',
      byDefault: aliases.length === 1 ? aliases[0] : undefined,
      completions: aliases,
      read: verify,
    });
    answer = await settled(destination, aliases, file, dialogue);
  }
  return answer;
}

/** @throws UsageError when it can be no destination */
function verify(destination: string): string {
  return makeSpec('init', { destination }).destination;
}

/** The destination, or the alias that it has got; undefined when there is to be another one. */
async function settled(
  destination: string,
  aliases: readonly string[],
  file: string,
  dialogue: Dialogue,
): Promise<string | undefined> {
  const { terminal, ask, isAsking, sshConfig, begun } = dialogue;
  if (aliases.includes(destination) || !isAsking) return destination;
  const { knownBy } = await lookUp({ destination, sshConfig }, terminal.context);
  if (knownBy === 'ssh_config') return destination;
  const near = knownBy === undefined ? nearest(destination, aliases) : undefined;
  if (knownBy === undefined)
    terminal.say(
      `Neither ${file} nor a name server knows "${destination}".${near ? ` Did you mean ${near}?` : ''}`,
    );
  const question = knownBy === undefined ? 'Write a Host for it there?' : `Give it a short name in ${file}?`;
  const isWanted = await ask(yesOrNo(question, knownBy === undefined && near === undefined));
  if (!isWanted) return knownBy === undefined ? undefined : destination;
  const block = await askBlock(destination, aliases, dialogue);
  try {
    begun.add(await addHost(block, sshConfig, terminal.context));
  } catch (error) {
    if (!(error instanceof Failure) || error instanceof Interrupted) throw error;
    terminal.complain(error);
    return undefined;
  }
  terminal.say(`Written to ${file}, and taken out again if this comes to nothing:`);
  for (const line of hostBlockLines(block)) terminal.say(terminal.style.dim(`  ${line}`));
  return block.alias;
}

async function askBlock(
  destination: string,
  aliases: readonly string[],
  { terminal: { context }, ask, sshConfig }: Dialogue,
): Promise<HostBlock> {
  const found = await lookUp({ destination, sshConfig }, context);
  const isName = found.knownBy === undefined && /^[^@.:/]+$/.test(destination);
  const readAlias = (word: string) => {
    if (!aliases.includes(word)) return verifyHostWord('a name', word);
    throw new UsageError(`there is a Host ${word} already`);
  };
  const alias = isName
    ? readAlias(destination)
    : await ask({ text: 'Its short name (Host):', byDefault: firstLabel(found.hostName), read: readAlias });
  const hostName = await ask({
    text: 'Its name or address on the network (HostName):',
    byDefault: isName ? undefined : found.hostName,
    read: (word) => verifyHostWord('a HostName', word),
  });
  const user = await ask({
    text: 'Your account there (User):',
    byDefault: found.user,
    read: (word) => verifyHostWord('a User', word),
  });
  const port = await ask({ text: "sshd's port there (Port):", byDefault: found.port, read: readPort });
  const identityFile = await ask({
    text: 'Your key file (IdentityFile):',
    byDefault: '',
    hint: "ssh's own choice",
    read: readKey,
  });
  // What ssh does by itself need not be written.
  const own = await lookUp({ destination: alias, sshConfig }, context);
  return {
    alias,
    hostName,
    user: user === own.user ? undefined : user,
    port: port === own.port ? undefined : Number(port),
    identityFile: identityFile || undefined,
  };
}

/** Numbers make no name. */
function firstLabel(hostName: string): string | undefined {
  return /^([a-z][\w-]*)/i.exec(hostName)?.[1];
}

function readPort(port: string): string {
  if (/^\d+$/.test(port) && isPort(Number(port))) return String(Number(port));
  throw new UsageError(`${port} is no port`, { remedy: 'A port is a whole number from 1 to 65535.' });
}

/** A link that leads nowhere, or a public key: ssh would pass over it without a word. */
function readKey(file: string): string {
  if (file === '') return file;
  if (/["\p{Cc}]/u.test(file))
    throw new UsageError('a key file with such a name cannot stand in an ssh_config');
  if (file.endsWith('.pub'))
    throw new UsageError(`${file} is the public half of the key`, { remedy: 'Name the other.' });
  const path = file.replace(/^~(?=\/)/, homedir());
  if (!path.startsWith('/'))
    throw new UsageError(`${file} is no whole path`, { remedy: 'Begin it with / or ~/.' });
  if (!existsSync(path)) throw new UsageError(`${file} is not there`, { remedy: 'ssh-keygen makes one.' });
  return file;
}
