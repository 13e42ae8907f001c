import { existsSync } from 'node:fs';
import { isPort } from '../../model/setting-values.ts';
import { yesOrNo } from '../../screen/questions.ts';
import { knownHosts } from '../../ssh/aliases.ts';
import { parseDestination } from '../../ssh/destination.ts';
import { type HostBlock, hostBlockLines, verifyHostWord } from '../../ssh/host-block.ts';
import { type LookedUp, lookUp } from '../../ssh/resolve.ts';
import { addHost } from '../../ssh/write-host.ts';
import { failureIn, UsageError } from '../../system/errors.ts';
import { nearest } from '../../system/nearest.ts';
import { withAccountHome } from '../../system/paths.ts';
import type { Dialogue } from './dialogue.ts';

/** Maximum number of host names to show; Tab completes all of them. */
const SHOWN = 12;

/**
 * Asks for the host until the answer can be used. Offers to add an unknown host to the ssh_config.
 * @param given the destination on the command line
 */
export async function askDestination(given: string | undefined, dialogue: Dialogue): Promise<string> {
  const { terminal, ask, isAsking } = dialogue;
  const { file, aliases } = knownHosts(dialogue.given.sshConfig);
  const shown = aliases.slice(0, SHOWN).join(', ') + (aliases.length > SHOWN ? ', …' : '');
  const text = `Host (${shown === '' ? '' : 'one of these, '}user@host, or a new name):`;
  const byDefault = aliases.length === 1 ? aliases[0] : undefined;
  const read = (answer: string) => parseDestination(answer).text;
  for (let answer = given && read(given); ; answer = undefined) {
    if (answer === undefined && isAsking && shown !== '') terminal.show(`Hosts in ${file}: ${shown}`);
    answer ??= await ask({ text, byDefault, completions: aliases, read });
    const destination = await settle(answer, aliases, file, dialogue);
    if (destination !== undefined) return destination;
  }
}

/** Returns the destination, or a new alias for it; undefined to ask again. */
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
  const suggestion = near ? ` Did you mean ${near}?` : '';
  if (isUnknown) terminal.show(`"${destination}" is not in ${file} and cannot be resolved.${suggestion}`);
  const question = isUnknown ? 'Add a Host for it?' : `Add a short name for it to ${file}?`;
  const isWanted = await ask(yesOrNo(question, isUnknown && near === undefined));
  if (!isWanted) return isUnknown ? undefined : destination;
  const block = await askBlock(destination, found, aliases, dialogue);
  try {
    const remove = await addHost(block, sshConfig, terminal.context);
    undoings.push(async () => {
      await remove();
      terminal.show(`Removed from ${file} again: Host ${block.alias}`);
    });
  } catch (error) {
    terminal.showFailure(failureIn(error));
    return undefined;
  }
  terminal.show(`Added to ${file} (removed again if setup fails):`);
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
  const readAs = (what: string) => (answer: string) => verifyHostWord(what, answer);
  const readAlias = (answer: string) => {
    if (!aliases.includes(answer)) return verifyHostWord('a name', answer);
    throw new UsageError(`a Host ${answer} already exists`);
  };
  // An IP address has none.
  const [firstLabel] = /^[a-z][\w-]*/i.exec(found.hostName) ?? [];
  const alias = isName
    ? readAlias(destination)
    : await ask({ text: 'Its short name (Host):', byDefault: firstLabel, read: readAlias });
  const hostName = await ask({
    text: 'Its name or address on the network (HostName):',
    byDefault: isName ? undefined : found.hostName,
    read: readAs('a HostName'),
  });
  const user = await ask({ text: 'Your user name (User):', byDefault: found.user, read: readAs('a User') });
  const port = await ask({ text: 'The port of its sshd (Port):', byDefault: found.port, read: readPort });
  const identityFile = await ask({
    text: 'Your key file (IdentityFile):',
    byDefault: '',
    hint: "ssh's own choice",
    read: readKey,
  });
  // The Host needs no option that has the right value anyway.
  const own = await lookUp({ destination: alias, sshConfig }, terminal.context);
  return {
    alias,
    hostName,
    user: user === own.user ? undefined : user,
    port: port === own.port ? undefined : Number(port),
    identityFile: identityFile || undefined,
  };
}

function readPort(port: string): string {
  if (/^\d+$/.test(port) && isPort(Number(port))) return String(Number(port));
  throw new UsageError(`invalid port: "${port}"`, { remedy: 'A port is a whole number from 1 to 65535.' });
}

/** Refuses what ssh would ignore without a message: a file that does not exist, a public key. */
function readKey(file: string): string {
  if (file === '') return file;
  if (/["\p{Cc}]/u.test(file)) throw new UsageError('an ssh_config cannot contain this file name');
  if (file.endsWith('.pub'))
    throw new UsageError(`${file} is the public key`, { remedy: 'Enter the file of the private key.' });
  const path = withAccountHome(file);
  if (!path.startsWith('/'))
    throw new UsageError(`${file} is not an absolute path`, { remedy: 'Begin it with / or ~/' });
  if (!existsSync(path))
    throw new UsageError(`${file} does not exist`, { remedy: 'To create a key: ssh-keygen' });
  return file;
}
