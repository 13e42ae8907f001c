import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { isPort } from '../../model/setting-values.ts';
import { yesOrNo } from '../../screen/questions.ts';
import { knownHosts } from '../../ssh/aliases.ts';
import { parseDestination } from '../../ssh/destination.ts';
import { type HostBlock, hostBlockLines, verifyHostWord } from '../../ssh/host-block.ts';
import { type LookedUp, lookUp } from '../../ssh/resolve.ts';
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
  const { terminal, ask, isAsking } = dialogue;
  const { file, aliases } = knownHosts(dialogue.given.sshConfig);
  const shown = aliases.slice(0, SHOWN).join(', ') + (aliases.length > SHOWN ? ', …' : '');
  const read = (word: string) => parseDestination(word).text;
  for (let said = given; ; said = undefined) {
    if (said === undefined && isAsking && shown !== '') terminal.show(`${file} names: ${shown}`);
    const text = `Host (${shown === '' ? '' : 'one of these, '}user@host, or a new name):`;
    const byDefault = aliases.length === 1 ? aliases[0] : undefined;
    const destination =
      said === undefined ? await ask({ text, byDefault, completions: aliases, read }) : read(said);
    const settled = await settle(destination, aliases, file, dialogue);
    if (settled !== undefined) return settled;
  }
}

/** The destination, or the alias that it has got; undefined when there is to be another one. */
async function settle(
  destination: string,
  aliases: readonly string[],
  file: string,
  dialogue: Dialogue,
): Promise<string | undefined> {
  const { terminal, ask, isAsking, undoings } = dialogue;
  const { sshConfig } = dialogue.given;
  if (aliases.includes(destination) || !isAsking) return destination;
  const found = await lookUp({ destination, sshConfig }, terminal.context);
  if (found.knownBy === 'ssh_config') return destination;
  const isUnknown = found.knownBy === undefined;
  const near = isUnknown ? nearest(destination, aliases) : undefined;
  if (isUnknown)
    terminal.show(
      `Neither ${file} nor a name server knows "${destination}".${near ? ` Did you mean ${near}?` : ''}`,
    );
  const question = isUnknown ? 'Write a Host for it there?' : `Give it a short name in ${file}?`;
  const isWanted = await ask(yesOrNo(question, isUnknown && near === undefined));
  if (!isWanted) return isUnknown ? undefined : destination;
  const block = await askBlock(destination, found, aliases, dialogue);
  try {
    undoings.push(await addHost(block, sshConfig, terminal.context));
  } catch (error) {
    if (!(error instanceof Failure) || error instanceof Interrupted) throw error;
    terminal.showFailure(error);
    return undefined;
  }
  terminal.show(`Written to ${file}, and taken out again if this comes to nothing:`);
  for (const line of hostBlockLines(block)) terminal.show(terminal.style.dim(`  ${line}`));
  return block.alias;
}

async function askBlock(
  destination: string,
  found: LookedUp,
  aliases: readonly string[],
  { terminal, ask, given: { sshConfig } }: Dialogue,
): Promise<HostBlock> {
  const isName = found.knownBy === undefined && /^[^@.:/]+$/.test(destination);
  const readWord = (what: string) => (word: string) => verifyHostWord(what, word);
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
    read: readWord('a HostName'),
  });
  const user = await ask({
    text: 'Your account there (User):',
    byDefault: found.user,
    read: readWord('a User'),
  });
  const port = await ask({ text: "sshd's port there (Port):", byDefault: found.port, read: readPort });
  const identityFile = await ask({
    text: 'Your key file (IdentityFile):',
    byDefault: '',
    hint: "ssh's own choice",
    read: readKey,
  });
  // What ssh does by itself need not be written.
  const own = await lookUp({ destination: alias, sshConfig }, terminal.context);
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
