import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { diagnosis, only } from '../hosts/diagnosis.ts';
import { done, serverRecord, started } from '../hosts/notebooks.ts';
import { freePort, ports, type SshdOptions } from '../hosts/sshd.ts';
import { makeVenv } from '../hosts/venv.ts';
import { makeWorld, type World } from '../hosts/world.ts';

/** Each layer is broken for real, and doctor names it, with what to do, and does not guess about what is behind it. */

let world: World;
afterEach(() => world.remove());

async function begin(options: SshdOptions = {}): Promise<void> {
  world = await makeWorld(options);
  world.laptop.env.BROWSER = 'true';
}

/** All files below a folder, each with its content. */
function everything(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8', withFileTypes: true });
  return Object.fromEntries(
    names.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path, entry.isFile() ? readFileSync(path, 'utf8') : ''];
    }),
  );
}

test('a healthy host shows nothing but ✓, and nothing is changed on either side', async () => {
  await begin();
  const knownHosts = readFileSync(join(world.sshd.folder, 'known_hosts'), 'utf8');
  const before = everything(join(world.home, '..'));
  const { code, stdout, stderr } = await world.laptop.run('doctor', 'loopback', '{F}', ...(await ports()));
  const lines = stdout.trimEnd().split('\n');
  assert.deepEqual(
    lines.filter((line) => !/^✓|^- (api|websocket) +not checked: no server runs$/.test(line)),
    [],
    stdout + stderr,
  );
  assert.equal(lines.length, 22);
  assert.equal(code, 0);
  assert.deepEqual(everything(join(world.home, '..')), before);
  assert.equal(readFileSync(join(world.sshd.folder, 'known_hosts'), 'utf8'), knownHosts);
  assert.deepEqual(world.processes(), []);
});

test('a server that runs is asked by its API and by a websocket, and is not disturbed', async () => {
  await begin();
  const [port, local] = [await freePort(), await freePort()].map(String);
  await started(world.laptop, '--port', port ?? '', '--local-port', local ?? '');
  const before = await done(world.laptop, 'status', '--json');
  const { code, checks } = await diagnosis(world);
  assert.equal(code, 0);
  assert.deepEqual(
    checks.filter(({ verdict }) => verdict !== 'ok'),
    [],
  );
  const found = Object.fromEntries(checks.map((check) => [check.name, check.found]));
  assert.match(found.server ?? '', /^runs, PID \d+$/);
  assert.match(found.port ?? '', /is this notebook's$/);
  assert.match(found.api ?? '', /^answers, version \d/);
  assert.match(
    found.websocket ?? '',
    /^(opens through the tunnel|reaches Jupyter, which has none without a kernel)$/,
  );
  assert.match(found['local port'] ?? '', /leads to the notebook$/);
  const shown = (text: string) => JSON.parse(text.replace(/"roundTripMs": \d+/g, '"roundTripMs": 0'));
  assert.deepEqual(shown(await done(world.laptop, 'status', '--json')), shown(before));
});

test('an option that ssh does not know is told, and nothing is tried with it', async () => {
  await begin();
  appendFileSync(world.sshd.sshConfig, 'NoSuchOption yes\n');
  assert.match(
    await only(world, 'ssh_config', 'failed'),
    /Bad configuration option: nosuchoption\nMend the option in /,
  );
});

test('a name that nobody knows is told', async () => {
  await begin({ sshConfig: ['HostName no-such-host.invalid'] });
  assert.match(await only(world, 'name', 'failed'), /no-such-host\.invalid: .*\n.* leads from "loopback" to/);
});

test('a port on which no sshd listens is told', async () => {
  await begin();
  await world.sshd.stop();
  assert.match(
    await only(world, 'reach', 'failed'),
    /Connection refused\nThe machine is there, but no sshd listens/,
  );
});

test('a host that was never met is told, and stays unknown', async () => {
  await begin();
  const file = join(world.sshd.folder, 'known_hosts');
  writeFileSync(file, '');
  assert.match(await only(world, 'host key', 'failed'), /never met\nConnect once by hand/);
  assert.equal(readFileSync(file, 'utf8'), '');
});

test('a host key that has changed is told, with the line of the old one', async () => {
  await begin();
  const other = readFileSync(`${world.sshd.key}.pub`, 'utf8');
  writeFileSync(join(world.sshd.folder, 'known_hosts'), `loopback ${other}`);
  assert.match(await only(world, 'host key', 'failed'), /HAS CHANGED!\n.*the old key is line 1 of /);
});

test('a key that the host refuses is told, with the way to install one', async () => {
  await begin();
  writeFileSync(world.sshd.authorizedKeys, '');
  assert.match(
    await only(world, 'authentication', 'failed'),
    /Permission denied \(publickey\)\.\nInstall your key there/,
  );
});

for (const line of ['AllowTcpForwarding no', 'PermitOpen none']) {
  test(`an sshd that forbids to forward is told, with its option: ${line}`, async () => {
    await begin({ sshdConfig: [line] });
    assert.match(
      await only(world, 'forwarding', 'failed'),
      /forbids to forward.*\n.*AllowTcpForwarding and PermitOpen/,
    );
  });
}

test('a machine without ssh is told, and all that needs it is not guessed', async () => {
  await begin();
  world.laptop.env.PATH = join(world.home, 'nothing');
  assert.match(await only(world, 'ssh', 'failed'), /^ssh is not installed.*\nInstall it/);
});

test('a host that would ask at the next login is told, and looked at over the open connection', async () => {
  await begin();
  await started(world.laptop, ...(await ports()));
  writeFileSync(world.sshd.authorizedKeys, '');
  const { code, checks } = await diagnosis(world);
  assert.equal(code, 0);
  const wrong = checks.filter(({ verdict }) => verdict !== 'ok');
  assert.deepEqual(
    wrong.map(({ name, verdict }) => [name, verdict]),
    [['reconnect', 'warning']],
  );
  assert.match(wrong[0]?.fix ?? '', /^Install a key/);
  assert.equal(JSON.parse(await done(world.laptop, 'status', '--json')).notebooks[0].state, 'connected');
});

test('websockets that an extension of Jupyter is in the way of are told', async () => {
  await begin();
  const folder = join(world.home, '.jupyter');
  mkdirSync(folder);
  writeFileSync(
    join(folder, 'in_the_way.py'),
    `from tornado.web import RequestHandler
class Refuse(RequestHandler):
    def get(self):
        self.set_status(403)
default_handlers = [(r'/api/events/subscribe', Refuse)]
`,
  );
  for (const [file, application] of [
    ['notebook', 'NotebookApp'],
    ['server', 'ServerApp'],
  ]) {
    const text = `import sys\nsys.path.insert(0, '${folder}')\nc.${application}.extra_services = ['in_the_way']\n`;
    writeFileSync(join(folder, `jupyter_${file}_config.py`), text);
  }
  await started(world.laptop, ...(await ports()));
  const { code, checks } = await diagnosis(world);
  assert.equal(code, 1);
  assert.equal(checks.find(({ name }) => name === 'websocket')?.found, 'refused with HTTP 403');
});

test('an account that runs something else than what it is told is told', async () => {
  await begin({ sshdConfig: ['ForceCommand echo This account is for copies only.'] });
  assert.match(
    await only(world, 'login shell', 'failed'),
    /copies only\.\nIt takes an account that may run commands/,
  );
});

test('a start-up file that prints is told, with its words', async () => {
  await begin();
  writeFileSync(join(world.home, '.bashrc'), 'echo "Welcome to the machine"\n');
  assert.match(
    await only(world, 'start-up files', 'warning'),
    /^print: Welcome to the machine\n.*\[ -t 1 \]/,
  );
});

test('a directory that is not there is told', async () => {
  await begin();
  assert.match(await only(world, 'directory', 'failed', '-d', 'no where'), /"no where" is not there/);
});

test('a disk that is full is told', {
  skip: process.platform !== 'linux' || process.getuid?.() !== 0 ? 'only root on Linux mounts a disk' : false,
}, async () => {
  await begin();
  const disk = join(world.home, 'full');
  mkdirSync(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]);
  try {
    writeFileSync(join(disk, 'all'), Buffer.alloc(1 << 20));
    assert.match(await only(world, 'disk', 'failed', '-d', 'full'), /^0 MB are left in .*full\nRemove there/);
  } finally {
    execFileSync('umount', [disk]);
  }
});

test('an environment that is not there is told', async () => {
  await begin();
  assert.match(
    await only(world, 'environment', 'failed', '-e', 'venv'),
    /there is no bin\/activate in it\n.*python3 -m venv/,
  );
});

for (const end of ['', 'exit 1']) {
  test(`whatever an activate script names its own folder, it is left alone${end && `, also by ${end}`}`, async () => {
    await begin();
    makeVenv(join(world.home, 'venv'));
    const data = join(world.home, 'data');
    mkdirSync(data);
    writeFileSync(join(data, 'precious'), '');
    appendFileSync(join(world.home, 'venv/bin/activate'), `folder='${data}'\n${end}\n`);
    await diagnosis(world, '-e', 'venv');
    assert.deepEqual(readdirSync(data), ['precious']);
  });
}

test('a temporary folder that is not there, or that ssh would read as another, is told', async () => {
  await begin();
  for (const [folder, told] of [
    ['/nowhere', /^Error: cannot make a folder in \/nowhere: ENOENT: .*\nName another folder in TMPDIR: /m],
    ['/tmp/%d', /^Error: the path \/tmp\/%d holds a % or a \$\{, which ssh would replace\nName another/m],
  ] as const) {
    world.laptop.env.TMPDIR = folder;
    const { code, stderr } = await world.laptop.run('doctor', 'loopback', '{F}');
    assert.equal(code, 2, stderr);
    assert.match(stderr, told);
  }
});

test('a Jupyter that is not there is told', async () => {
  await begin();
  assert.match(
    await only(world, 'jupyter', 'failed', '--command', 'jupiter lab'),
    /^jupiter is not installed/,
  );
});

test("what Jupyter's own configuration says is told, and no secret of it", async () => {
  await begin();
  mkdirSync(join(world.home, '.jupyter'));
  const lines = ['password = "sha1:abc:def"', 'base_url = "/mine"', 'ip = "0.0.0.0"', 'port = 9999'];
  for (const [file, application] of [
    ['notebook', 'NotebookApp'],
    ['server', 'ServerApp'],
  ]) {
    const text = lines.map((line) => `c.${application}.${line}\n`).join('');
    writeFileSync(join(world.home, '.jupyter', `jupyter_${file}_config.py`), text);
  }
  const before = readdirSync(join(world.home, '.jupyter'));
  const told = await only(world, 'configuration', 'warning');
  for (const word of ['sets a password', '/mine', '0.0.0.0', 'port 9999'])
    assert.ok(told.includes(word), told);
  assert.ok(!told.includes('sha1'));
  assert.deepEqual(readdirSync(join(world.home, '.jupyter')), before);
});

test('a port of the host that is taken is told, with its holder', async () => {
  await begin();
  const server = createServer((socket) => socket.destroy());
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  try {
    const told = await only(world, 'port', 'warning', '--port', String(port));
    assert.match(told, new RegExp(`${port} of the host is taken by .*PID ${process.pid}`));
  } finally {
    server.close();
  }
});

test('a port of this machine that is taken is told, with its holder', async () => {
  await begin();
  const server = createServer((socket) => socket.destroy());
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  try {
    const told = await only(world, 'local port', 'failed', '--local-port', String(port), '--strict-port');
    assert.match(told, new RegExp(`taken by .*PID ${process.pid}\\)\nName another with --local-port`));
  } finally {
    server.close();
  }
});

test('a machine without a browser is told', {
  skip: process.platform !== 'linux' && 'a desktop is always there',
}, async () => {
  await begin();
  delete world.laptop.env.BROWSER;
  assert.match(await only(world, 'browser', 'warning'), /no desktop.*\nstart prints the URL/);
});

test('a server that was killed is told, and its record is left', async () => {
  await begin();
  const { server } = await started(world.laptop, ...(await ports()));
  process.kill(server.pid, 'SIGKILL');
  const { code, checks } = await diagnosis(world);
  assert.equal(code, 0);
  const told = checks.find(({ name }) => name === 'server');
  assert.equal(told?.verdict, 'warning');
  assert.match(told?.fix ?? '', /remote-notebook logs loopback/);
  assert.ok(existsSync(join(world.home, '.local', 'state', 'remote-notebook', 'servers')));
});

test('a runtime file that no Jupyter writes is told, and the layers behind it are looked at', async () => {
  await begin();
  await started(world.laptop, ...(await ports()));
  writeFileSync(join(serverRecord(world.laptop).folder, 'server.json'), '{"pid": 5}\n');
  const { checks } = await diagnosis(world);
  assert.match(
    checks.find(({ name }) => name === 'api')?.found ?? '',
    /^the runtime file that Jupyter wrote/,
  );
  assert.equal(checks.find(({ name }) => name === 'local port')?.verdict, 'ok');
});

test('a server that is stopped answers no API, and is told', async () => {
  await begin();
  const { server } = await started(world.laptop, ...(await ports()));
  process.kill(server.pid, 'SIGSTOP');
  try {
    const { code, checks } = await diagnosis(world);
    assert.equal(code, 1);
    assert.match(checks.find(({ name }) => name === 'api')?.found ?? '', /does not answer/);
    assert.equal(checks.find(({ name }) => name === 'websocket')?.found, 'not checked: api');
  } finally {
    process.kill(server.pid, 'SIGCONT');
  }
});
