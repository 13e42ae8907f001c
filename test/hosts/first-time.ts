import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'node:test';
import { ports } from './sshd.ts';
import { ENTER, openTerminal, type TerminalWindow } from './terminal.ts';
import { nothingIsLeft } from './traces.ts';
import { makeVenv } from './venv.ts';
import { eventually, makeWorld, PROGRAM, type World, type WorldOptions } from './world.ts';

/** A terminal in which each expected text is searched for after the previous one. */
export interface Dialogue {
  says(text: string): Promise<void>;
  /** Waits for the question, and then types the answer. */
  answer(question: string, answer: string): Promise<void>;
  ended(): Promise<number | null>;
  shown(): string;
}

/** What a user does and sees in a world in which remote-notebook has never been used. */
export interface FirstTime {
  /** The world of the current test: a host with the directory `rne` and a venv in it. */
  world(): World;
  /** Runs `init` on a terminal. */
  begin(...args: readonly string[]): Dialogue;
  /** The same with the world's ssh_config and free ports. */
  beginWithPorts(...args: readonly string[]): Promise<Dialogue>;
  /** The text of config.yaml, if there is one. */
  configuration(): string | undefined;
  /** Asserts that nothing was kept: no server, no connection, no configuration, no start-up file. */
  assertNothingIsKept(): Promise<void>;
  /** An ssh_config whose last section breaks every connection, unless an earlier section overrides it. */
  ownConfig(): { file: string; text: string };
  /** Answers all questions about an unknown host. */
  describeHost(dialogue: Dialogue, port: number): Promise<void>;
}

/** Creates and removes such a world for each test of the calling file. */
export function firstTime(options: WorldOptions = {}): FirstTime {
  let world: World;
  let windows: TerminalWindow[];
  beforeEach(async () => {
    world = await makeWorld(options);
    windows = [];
    world.laptop.env.BROWSER = `touch ${join(world.home, 'opened')}; true`;
    mkdirSync(join(world.home, 'rne'));
    makeVenv(join(world.home, 'rne', '.venv'));
  });
  afterEach(async () => {
    for (const window of windows) await window.close();
    await world.remove();
  });
  const begin = (...args: readonly string[]) => {
    const window = openTerminal([...PROGRAM, 'init', ...args], world.laptop.env);
    windows.push(window);
    return dialogueIn(window);
  };
  return {
    world: () => world,
    begin,
    beginWithPorts: async (...args) => begin('-F', world.sshd.sshConfig, ...(await ports()), ...args),
    configuration: () => configuration(world),
    assertNothingIsKept: () => assertNothingIsKept(world),
    ownConfig: () => ownConfig(world),
    describeHost: (dialogue, port) => describeHost(dialogue, port, world),
  };
}

export function dialogueIn(window: TerminalWindow): Dialogue {
  let seen = 0;
  const says = async (text: string) => {
    await eventually(`it says "${text}"`, () => window.shown().includes(text, seen)).catch((error: Error) => {
      throw new Error(`${error.message}; it shows:\n${window.shown()}`);
    });
    seen = window.shown().indexOf(text, seen) + text.length;
  };
  return {
    says,
    answer: async (question, answer) => {
      await says(question);
      window.type(answer);
    },
    ended: () => window.ended,
    shown: window.shown,
  };
}

function configuration({ laptop: { configurationFile } }: World): string | undefined {
  return existsSync(configurationFile) ? readFileSync(configurationFile, 'utf8') : undefined;
}

async function assertNothingIsKept(world: World): Promise<void> {
  await nothingIsLeft(world);
  assert.equal(configuration(world), undefined);
  const names = readdirSync(world.laptop.env.HOME as string);
  assert.deepEqual(
    names.filter((name) => name !== 's'),
    [],
  );
}

function ownConfig({ sshd }: World): { file: string; text: string } {
  const file = join(sshd.folder, 'own_config');
  const text = `# my hosts\tand more\n\nHost  old   older # a comment behind\n\tHostName=old.invalid\n  # about its port\n\tPort  2222\n\n\n# what counts for all\nHost *\n  User nobody\n  Port 1\n  UserKnownHostsFile ${join(sshd.folder, 'own_known_hosts')}\n  GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking accept-new\n  IdentitiesOnly yes\n  IdentityAgent none`;
  writeFileSync(file, text);
  chmodSync(file, 0o640);
  return { file, text };
}

async function describeHost(dialogue: Dialogue, port: number, { sshd }: World): Promise<void> {
  await dialogue.answer('Host (one of these', `gpu${ENTER}`);
  await dialogue.says('"gpu" is not in');
  await dialogue.answer('Add a Host for it? [Y/n]', ENTER);
  await dialogue.answer('(HostName):', ENTER);
  await dialogue.says('cannot be a HostName');
  await dialogue.answer('(HostName):', `127.0.0.1${ENTER}`);
  await dialogue.answer('(User): [nobody]', `${userInfo().username}${ENTER}`);
  await dialogue.answer('(Port): [1]', `x${ENTER}`);
  await dialogue.says('invalid port: "x"');
  await dialogue.answer('(Port):', `${port}${ENTER}`);
  await dialogue.answer("(IdentityFile): [ssh's own choice]", `${sshd.key}.pub${ENTER}`);
  await dialogue.says('is the public key');
  await dialogue.answer('(IdentityFile):', `/no/such/key${ENTER}`);
  await dialogue.says('does not exist');
  await dialogue.answer('(IdentityFile):', `${sshd.key}${ENTER}`);
}
