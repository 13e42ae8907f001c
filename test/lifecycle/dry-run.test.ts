import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { before, test } from 'node:test';
import { worldPerFile } from '../hosts/lasting.ts';
import { factOf } from '../hosts/proc.ts';
import { askJupyter, done, type Shown, serverRecord, started, stderrOf } from '../hosts/servers.ts';
import { freePort } from '../hosts/sshd.ts';
import { quietProcesses } from '../hosts/traces.ts';

/** --dry-run and --verbose print exactly the commands that are run: they work in a real shell, too. */

const world = await worldPerFile();
let spec: Shown;
before(async () => {
  spec = await started(world.laptop);
  await quietProcesses(world);
});

/** Every file and folder of the host and the laptops, with the attributes that show a change. */
function everything(): string[] {
  const folder = dirname(world.home);
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => !/\/tsx-\d+/.test(name))
    .map((name) => {
      const { mode, size, mtimeMs } = lstatSync(join(folder, name));
      return `${name} ${mode.toString(8)} ${size} ${mtimeMs}`;
    })
    .sort();
}

/** How often the host was asked anything: ends of sessions are reported late. */
const asked = () => world.sshd.log().match(/Connection from|Starting session/g)?.length;

/** What a dry run prints, in its parts: each comment with the lines below it. */
async function planned(...args: string[]): Promise<Record<string, string>> {
  const text = await done(world.laptop, 'start', 'loopback', '{F}', '--dry-run', ...args);
  const parts = text.split(/^# (?=(?:connect|launch|forward): )/m).slice(1);
  return Object.fromEntries(
    parts.map((part) => [part.slice(0, part.indexOf(':')), part.slice(part.indexOf('\n') + 1)]),
  );
}

/** The output of a shell that runs these lines. */
function paste(lines: string): string {
  return execFileSync('/bin/sh', ['-s'], { input: lines, encoding: 'utf8', env: world.laptop.env });
}

for (const [what, args] of [
  ['a start', []],
  ['a start that would save', ['--save', 'kept']],
  ['a start of another server', ['--name', 'another', '--directory', 'nowhere', '--environment', 'venv']],
  ["a start by the article's commands", ['--plain', '--name', 'plain']],
] as const) {
  test(`a dry run of ${what} changes nothing on either side, and starts nothing`, async () => {
    const [files, processes] = [everything(), world.processes()];
    const before = asked();
    await done(world.laptop, 'start', 'loopback', '{F}', '--dry-run', '--verbose', ...args);
    assert.deepEqual([everything(), world.processes()], [files, processes]);
    assert.equal(asked(), before, 'the host was not asked');
  });
}

test('a laptop that has never done anything has no folder of ours after a dry run', async () => {
  const laptop = world.anotherLaptop();
  await done(laptop, 'start', 'loopback', '{F}', '--dry-run');
  assert.deepEqual(readdirSync(laptop.env.HOME as string), []);
});

test('the launch line of a dry run with --verbose, pasted into a shell, finds the server', async () => {
  const { launch = '' } = await planned('--verbose');
  const answer = paste(launch);
  assert.match(answer, /^@remote-notebook joined yes$/m);
  assert.match(answer, new RegExp(`^@remote-notebook pid ${spec.jupyter.pid}$`, 'm'));
});

test('the launch line also starts a server, in a directory with any name', async () => {
  const directory = "it's `my` $HOME\\";
  mkdirSync(join(world.home, directory));
  const { launch = '' } = await planned('--verbose', '--name', 'pasted', '--directory', directory);
  assert.match(paste(launch), /^@remote-notebook joined no$/m);
  const joined = await started(world.laptop, '--name', 'pasted', '--directory', directory);
  assert.equal(joined.joined, true);
  await done(world.laptop, 'stop', 'pasted');
});

test('the line of a forward by hand, pasted into a shell, leads a port to the server', async () => {
  const port = await freePort();
  const { forward = '' } = await planned('--local-port', `${port}`);
  const line = forward.replace('# ssh ', 'ssh -f ').replace('/SOCKET', spec.jupyter.socket);
  paste(`${line.trim()} >/dev/null 2>&1`);
  assert.ok(await askJupyter(port, serverRecord(world.laptop).token, '/api/status'));
});

test('the connect lines are the very commands of the ssh and of the keeper that run', async () => {
  const { connect = '' } = await planned();
  const running = world.processes().map((pid) => factOf(pid, 'cmdline'));
  const lines = connect.trim().split('\n');
  assert.equal(lines.length, 2);
  for (const line of lines) {
    const words = execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${line}`], { encoding: 'utf8' });
    assert.ok(running.includes(words), words.replaceAll('\0', ' '));
  }
});

test('without --verbose the script is only mentioned, not shown', async () => {
  const { launch = '' } = await planned();
  assert.match(launch, /'exec \/bin\/sh -s' {3}# \d+ lines; --verbose shows them\n$/);
  assert.equal(launch.split('\n').length, 2);
});

test('--verbose shows each command of a start before it runs, in a form that can be pasted', async () => {
  const laptop = world.anotherLaptop();
  const stderr = await stderrOf(0, laptop, 'start', 'loopback', '{F}', '--no-browser', '--verbose');
  const shown = stderr.split('\n').filter((line) => line.startsWith('$ '));
  const [keep = '', connect = '', launch = '', ...others] = shown.filter(
    (line) => !/ -O check master$/.test(line),
  );
  assert.match(keep, /^\$ .+ --keep \S+ loopback \S+$/);
  assert.match(connect, /^\$ ssh -F \S+ -f -N -T -E \S+\/log -M -S \S+\/login /);
  assert.match(launch, /^\$ ssh -F \S+ -T -S \S+ .* -- loopback 'exec \/bin\/sh -s' {2}< a script$/);
  assert.deepEqual(others, []);
  await done(laptop, 'stop', '--keep-server');
});

test('a dry run of a configured server uses the settings of config.yaml, and options override them', async () => {
  const file = world.laptop.configurationFile;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, 'servers:\n  work: { destination: me@gpu, port: 9000, local-port: 9001 }\n');
  const said = await done(world.laptop, 'start', 'work', '--dry-run', '--local-port', '9002');
  assert.match(said, / -- me@gpu$/m);
  assert.match(said, /^# ssh -N -L 127\.0\.0\.1:9002:127\.0\.0\.1:9000 -- me@gpu$/m);
});
