import assert from 'node:assert/strict';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, before, test } from 'node:test';
import { worldPerFile } from '../hosts/lasting.ts';
import { run } from '../hosts/package.ts';
import { done, serverRecord, started, stderrOf } from '../hosts/servers.ts';
import { ports } from '../hosts/sshd.ts';
import { makeFolder } from '../hosts/standing.ts';
import { quietProcesses } from '../hosts/traces.ts';
import { PROGRAM } from '../hosts/world.ts';

/** A report of a server that has a secret in every possible place. */

const world = await worldPerFile({ sshConfig: ['SetEnv SENT=hunter2-sent'] });
const { laptop } = world;
const jupyterConfig = join(world.home, '.jupyter', 'jupyter_notebook_config.py');
const startUp = join(world.home, '.bashrc');

before(async () => {
  mkdirSync(dirname(jupyterConfig), { recursive: true });
  writeFileSync(
    jupyterConfig,
    [
      "c.NotebookApp.password = 'argon2:$argon2id$v=19$hunter2-hash'",
      "c.NotebookApp.cookie_secret = b'hunter2-cookie-secret'",
      "c.NotebookApp.keyfile = ''",
      "c.SomeAddOn.api_key = 'hunter2-add-on'",
    ].join('\n'),
  );
  mkdirSync(dirname(laptop.configurationFile), { recursive: true });
  writeFileSync(
    laptop.configurationFile,
    `servers:
  gpu:
    destination: loopback
    ssh-config: ${world.sshd.sshConfig}
    setup:
      - export HF_TOKEN=hunter2-setup WANDB=hunter2-wandb
      - true hunter2-argument
    port: ${(await ports())[1]}
`,
    { mode: 0o600 },
  );
  laptop.env.BROWSER = 'firefox --password hunter2-browser';
  await done(laptop, 'start', 'gpu', '--no-browser');
  const log = join(serverRecord(laptop, 'gpu').folder, 'log');
  appendFileSync(
    log,
    [
      `302 GET /lab?token=${serverRecord(laptop, 'gpu').token}`,
      `the token alone: ${serverRecord(laptop, 'gpu').token}`,
      'GET /?token=hunter2-url&x=1',
      'Cookie: _xsrf=hunter2-xsrf; username=hunter2-user',
      'HF_TOKEN is now hunter2-setup',
      '-----BEGIN OPENSSH PRIVATE KEY-----',
      'hunter2-key',
      '-----END OPENSSH PRIVATE KEY-----',
      '```',
      '## not a heading \u202e',
      '',
    ].join('\n'),
  );
});
afterEach(() => rmSync(startUp, { force: true }));

/** Runs report in an empty folder, and returns the file that it wrote. */
function reportIn(folder: string, ...words: string[]): { text: string; file: string; printed: string } {
  const { status, stdout, stderr } = run([...PROGRAM, 'report', ...words], { env: laptop.env, cwd: folder });
  assert.equal(status, 0, stderr);
  const file = stdout.trimEnd();
  return { text: readFileSync(file, 'utf8'), file, printed: stdout + stderr };
}

test('report writes one private file with everything that is known, without secrets', () => {
  // The output of start-up files is part of doctor's result.
  writeFileSync(startUp, 'echo "export AWS_SECRET=hunter2-start-up"\n');
  const folder = makeFolder('rn-report-');
  const { text, file, printed } = reportIn(folder, 'gpu');
  assert.deepEqual(readdirSync(folder), [file.slice(folder.length + 1)]);
  assert.match(file, /\/remote-notebook-gpu-\d{8}-\d{6}\.md$/);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.match(printed, /Read this report before you send it/);
  for (const found of [
    /^Read this report before you send it\./m,
    /^remote-notebook: \d/m,
    /^ssh: OpenSSH/m,
    /^login shell on the host: \/bin\/bash on \w+/m,
    /^Jupyter on the host: jupyter /m,
    /^destination: loopback$/m,
    /^ {2}- export HF_TOKEN=… WANDB=…$/m,
    /^✓ authentication +publickey, by OpenSSH/m,
    /^! start-up files +print: /m,
    /^✓ websocket /m,
    /^ {2}state: running$/m,
    /^\d{4}-.*Z {2}connected; forwards: up 127/m,
    /is running at/,
    /^GET \/\?token=…&x=1$/m,
  ])
    assert.match(text, found);
  assert.doesNotMatch(text, /hunter2/);
  assert.equal(text.includes(serverRecord(laptop, 'gpu').token), false);
});

test('text in a report cannot end its block or change the order of characters', async () => {
  const text = await done(laptop, 'report', 'gpu', '--output', '-');
  const log = text.slice(text.indexOf("## The end of Jupyter's log"));
  assert.match(log, /^````text\n(?:.*\n)*```\n## not a heading \ufffd\n(?:.*\n)*````\n/m);
});

test('--json prints the same as one document, without secrets', async () => {
  const stdout = await done(laptop, 'report', 'gpu', '--json');
  const report = JSON.parse(stdout);
  assert.equal(report.name, 'gpu');
  assert.equal(report.settings.setup[0], 'export HF_TOKEN=… WANDB=…');
  assert.equal(report.status.state, 'connected');
  assert.ok(report.checks.length > 15 && report.events.length > 0 && report.log.length > 5);
  assert.deepEqual(report.missing, []);
  assert.doesNotMatch(stdout, /hunter2/);
});

test('a report changes nothing: the tunnel and the server are as before', async () => {
  const before = await quietProcesses(world);
  await done(laptop, 'report', 'gpu', '--output', '-');
  assert.deepEqual(await quietProcesses(world), before);
});

test('--output replaces a file, which only its owner can read then', async () => {
  const file = join(makeFolder('rn-report-'), 'mine.md');
  writeFileSync(file, 'old', { mode: 0o644 });
  assert.equal(await done(laptop, 'report', 'gpu', '--output', file), `${file}\n`);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.match(readFileSync(file, 'utf8'), /^# Report of remote-notebook\n/);
});

test('a file that cannot be written is refused before anything is checked', async () => {
  const folder = makeFolder('rn-report-');
  assert.match(
    await stderrOf(2, laptop, 'report', 'gpu', '-o', join(folder, 'no', 'x.md')),
    /no does not exist/,
  );
  assert.match(await stderrOf(2, laptop, 'report', 'gpu', '-o', folder), /is a folder\nName a file in it/);
  assert.match(
    await stderrOf(2, laptop, 'report', 'gpu', '-o', '-', '--json'),
    /--json and --output cannot be/,
  );
});

test('a report never replaces the file that a link leads to, which another user may have put there', async () => {
  const folder = makeFolder('rn-report-');
  const [mine, link] = [join(folder, 'mine'), join(folder, 'report.md')];
  writeFileSync(mine, 'mine');
  symlinkSync(mine, link);
  assert.match(await stderrOf(2, laptop, 'report', 'gpu', '-o', link), /report\.md is a symbolic link\n/);
  assert.equal(readFileSync(mine, 'utf8'), 'mine');
});

test('with a broken config.yaml, the report contains the error and the recorded server', async () => {
  const valid = readFileSync(laptop.configurationFile);
  try {
    writeFileSync(laptop.configurationFile, 'servers: [\npassword: hunter2\n');
    const { settings, checks, missing, status } = JSON.parse(await done(laptop, 'report', 'gpu', '--json'));
    assert.equal(settings.destination, 'loopback');
    assert.equal(status.state, 'connected');
    assert.ok(checks.some(({ name }: { name: string }) => name === 'websocket'));
    assert.match(missing[0].why, /config\.yaml:\d+: /);
    assert.equal(missing[0].part, 'settings');
  } finally {
    writeFileSync(laptop.configurationFile, valid);
  }
});

test('for an unreachable host, the report contains the error and the events of its connection', async () => {
  await world.sshd.stop();
  try {
    const { checks, events, missing, settings } = JSON.parse(await done(laptop, 'report', 'gpu', '--json'));
    const failed = checks.filter(({ verdict }: { verdict: string }) => verdict === 'failed');
    assert.deepEqual(
      failed.map(({ name }: { name: string }) => name),
      ['reach'],
    );
    assert.ok(events.length > 0);
    assert.equal(settings.destination, 'loopback');
    assert.deepEqual(missing, [{ part: 'log', why: 'not read, because the check "reach" failed' }]);
  } finally {
    await world.sshd.start();
  }
});

test('without a server, the report contains the versions, and that no server is known', async () => {
  const other = world.anotherLaptop();
  const report = JSON.parse(await done(other, 'report', '--json'));
  assert.deepEqual([report.name, report.destination, report.settings, report.checks], [null, null, null, []]);
  assert.match(report.versions['remote-notebook'], /^\d/);
  assert.match(report.missing[0].why, /no server is named/);
  assert.equal(existsSync(other.stateFolder), false);
});

test('the next report contains the failed start', async () => {
  const other = world.anotherLaptop();
  const keys = readFileSync(world.sshd.authorizedKeys);
  writeFileSync(world.sshd.authorizedKeys, '');
  try {
    await stderrOf(1, other, 'start', 'loopback', '{F}', '--no-browser');
    const report = JSON.parse(await done(other, 'report', 'loopback', '{F}', '--json'));
    assert.match(
      report.events.at(-1).what,
      /^gave up, because ssh needs an answer from the user: .*Permission denied/,
    );
    assert.deepEqual(report.missing, [
      { part: 'log', why: 'not read, because the check "authentication" failed' },
    ]);
  } finally {
    writeFileSync(world.sshd.authorizedKeys, keys);
  }
});

test('the report of a stopped server contains the log of its last run', async () => {
  await started(laptop, '--name', 'brief', ...(await ports()));
  await done(laptop, 'stop', 'brief');
  const report = JSON.parse(await done(laptop, 'report', 'brief', '--json'));
  assert.match(report.log.join('\n'), /is running at/);
  assert.equal(report.status, null);
});
