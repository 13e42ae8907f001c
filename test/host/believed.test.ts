import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseFrame } from '../../src/host/protocol.ts';
import { startTimeOf } from '../../src/system/process.ts';
import { failure } from '../hosts/failure.ts';
import { worldPerFile } from '../hosts/lasting.ts';
import { done, serverRecord, started, stderrOf } from '../hosts/servers.ts';
import { ports } from '../hosts/sshd.ts';
import { eventually } from '../hosts/world.ts';

/** What others can write where this program reads: names of folders, records. None of it removes a file or ends a process. */

const world = await worldPerFile();
const { laptop, home } = world;
const bystander = spawn('sleep', ['1000'], { stdio: 'ignore' });
after(() => bystander.kill('SIGKILL'));
const startTime = (await startTimeOf(bystander.pid ?? 0)) ?? '';
const file = join(home, 'file');
writeFileSync(file, 'mine');

/** A folder with these lines as its name, and a link to it with an innocent name. */
function trap(link: string, ...lines: string[]): void {
  mkdirSync(join(home, 'proj', lines.join('\n')), { recursive: true });
  symlinkSync(lines.join('\n'), join(home, 'proj', link));
}

trap('socket', 'd', `socket ${file}`);
trap('process', 'd', `pid ${bystander.pid}`, `start_time ${startTime}`);
trap('frame', 'd', '@remote-notebook joined yes');
trap('end', 'd', '');

for (const link of ['socket', 'process', 'frame', 'end']) {
  test(`a folder whose name contains line breaks is refused, and no file or process is affected (${link})`, async () => {
    const message = await failure(world, 'loopback', '--directory', `proj/${link}`);
    assert.match(
      message,
      /^Error: cannot use the directory "HOME\/proj\/d\?.*" on loopback: it contains a control character, such as a line break\n/,
    );
    const doctor = await laptop.run('doctor', 'loopback', '{F}', '--directory', `proj/${link}`);
    assert.match(doctor.stdout, /cannot use the directory "/);
    assert.equal(readFileSync(file, 'utf8'), 'mine');
    assert.equal(bystander.exitCode, null);
  });
}

test('lines that somebody has added to a record cannot make stop remove a file of the user', async () => {
  await started(laptop, ...(await ports()));
  const { folder } = serverRecord(laptop);
  appendFileSync(join(folder, 'record'), `socket ${file}\nruntime ${file}\n`);
  assert.equal(JSON.parse(await done(laptop, 'stop', '--json')).outcome, 'shutdown');
  assert.equal(readFileSync(file, 'utf8'), 'mine');
});

/** Starts a server, ends it, and writes another process into both of its records. Returns the folder of the record on the host. */
async function recordFor(name: string, pid: number | undefined): Promise<string> {
  const { jupyter: server } = await started(laptop, '--name', name);
  const { folder } = serverRecord(laptop, name);
  process.kill(server.pid, 'SIGKILL');
  await eventually('the server is gone', () => !world.processes().includes(server.pid));
  const startTime = await startTimeOf(pid ?? 0);
  const state = join(laptop.stateFolder, 'state.json');
  const records = JSON.parse(readFileSync(state, 'utf8'));
  Object.assign(records.servers[name].jupyter.identity, { pid, startTime });
  writeFileSync(state, JSON.stringify(records));
  appendFileSync(join(folder, 'record'), `pid ${pid}\nstart_time ${startTime}\n`);
  return folder;
}

test('a process that is not a server is not ended, even if a record names it', async () => {
  const folder = await recordFor('bystander', bystander.pid);
  const message = await stderrOf(1, laptop, 'stop', 'bystander', '--yes');
  assert.match(
    message,
    new RegExp(
      `Error: the server should be PID ${bystander.pid} on loopback, but that process is not a Jupyter server, `,
    ),
  );
  assert.ok(message.includes(`ssh loopback rm -r ${folder}`), message);
  assert.equal(bystander.exitCode, null);
  assert.ok(existsSync(folder));
});

test('a server that is ending when stop looks at it counts as stopped, although it has no command line any more', async () => {
  const ending = spawn('sleep', ['1000'], { stdio: 'ignore' });
  after(() => ending.kill('SIGKILL'));
  const folder = await recordFor('ending', ending.pid);
  const stop = laptop.start('stop', 'ending', '--yes', '--json');
  // stop waits for two seconds after it has looked.
  setTimeout(() => ending.kill('SIGKILL'), 2000);
  const { code, stdout, stderr } = await stop.ended;
  assert.equal(code, 0, stderr);
  assert.match(JSON.parse(stdout).outcome, /^(gone|shutdown)$/);
  assert.ok(!existsSync(join(folder, 'record')));
});

test('a value that contains a Unicode line separator stays one value', () => {
  assert.deepEqual(parseFrame('@remote-notebook directory /a\u2028b'), {
    key: 'directory',
    value: '/a\u2028b',
  });
});
