import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { makeAccount, NO_ACCOUNTS } from '../hosts/accounts.ts';
import { diagnosis, fine, only } from '../hosts/diagnosis.ts';
import { makeNetwork, networkLacks } from '../hosts/network.ts';
import { serverRecord, started } from '../hosts/notebooks.ts';
import { lacks } from '../hosts/shells.ts';
import { freePort, ports } from '../hosts/sshd.ts';
import { standIn } from '../hosts/stand-ins.ts';
import { openTerminal } from '../hosts/terminal.ts';
import { makeVenv } from '../hosts/venv.ts';
import { makeWorld, PROGRAM, type World, type WorldOptions } from '../hosts/world.ts';

/** The lines of doctor that doctor.test.ts does not have: each layer is broken for real, or by a stand-in that says so. */

let world: World;
afterEach(() => world.remove());

async function begin(options: WorldOptions = {}): Promise<void> {
  world = await makeWorld(options);
  world.laptop.env.BROWSER = 'true';
}

const needsRoot = {
  skip: process.platform !== 'linux' || process.getuid?.() !== 0 ? 'only root on Linux mounts a disk' : false,
};

/** Puts a program in front of all others on the host. */
function onHost(tool: Parameters<typeof standIn>[0] | undefined, name: string, text = ''): void {
  const path = join(world.home, 'bin', name);
  if (tool) standIn(tool, path);
  else {
    mkdirSync(join(world.home, 'bin'), { recursive: true });
    writeFileSync(path, text);
  }
  chmodSync(path, 0o755);
  writeFileSync(join(world.home, '.bashrc'), 'PATH="$HOME/bin:$PATH"\n');
}

/** Does something with a port of this machine taken. */
async function withTaken<T>(answer: string | undefined, work: (port: number) => Promise<T>): Promise<T> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => {});
    if (answer === undefined) socket.destroy();
    else socket.end(answer);
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  try {
    return await work(port);
  } finally {
    server.close();
  }
}

test('an ssh that is too old is told: a stand-in for one', async () => {
  await begin();
  const bin = join(world.home, 'bin');
  standIn('ssh', join(bin, 'ssh'));
  chmodSync(join(bin, 'ssh'), 0o755);
  world.laptop.env.REAL_PATH = world.laptop.env.PATH;
  world.laptop.env.PATH = `${bin}:${world.laptop.env.PATH}`;
  assert.match(await only(world, 'ssh', 'warning'), /^OpenSSH_6\.6\.1p1 .*\nOnly OpenSSH 7\.4 and later/);
});

test('a host behind another is told to be so, and its name is not looked for here', async () => {
  await begin();
  const { sshConfig, port } = world.sshd;
  const text = readFileSync(sshConfig, 'utf8').replace('HostName 127.0.0.1', 'HostName inside.invalid');
  writeFileSync(sshConfig, `${text}  ProxyCommand nc 127.0.0.1 ${port}\n`);
  assert.match(await fine(world, 'ssh_config'), /@inside\.invalid, port \d+, by ProxyCommand$/);
  assert.equal(await fine(world, 'name'), 'left to the ProxyCommand');
  assert.equal(await fine(world, 'reach'), 'left to the ProxyCommand');
});

test('a host to which no way leads is told', { skip: networkLacks() ?? false }, async () => {
  const network = makeNetwork();
  try {
    await begin({ machine: network });
    network.cut();
    assert.match(
      await only(world, 'reach', 'failed'),
      /: (No route to host|Connection timed out)\n.*VPN or a ProxyJump\?$/,
    );
  } finally {
    network.remove();
  }
});

test('something on the port that is no sshd is told, and nothing behind it is guessed', async () => {
  await begin();
  await withTaken(undefined, async (port) => {
    const { sshConfig } = world.sshd;
    writeFileSync(sshConfig, readFileSync(sshConfig, 'utf8').replace(/Port \d+/, `Port ${port}`));
    assert.match(await only(world, 'host key', 'failed'), /(closed|reset).*\nThe host ended the connection/);
    const { checks } = await diagnosis(world);
    const found = (name: string) => checks.find((check) => check.name === name)?.found;
    assert.equal(found('authentication'), 'not checked: host key');
    assert.equal(found('websocket'), 'not checked: host key');
  });
});

test('a passphrase that would be asked for at each reconnect is asked for, and told', async () => {
  await begin();
  execFileSync('ssh-keygen', ['-q', '-p', '-P', '', '-N', 'open sesame', '-f', world.sshd.key]);
  assert.match(await only(world, 'authentication', 'failed'), /Permission denied/);
  const words = ['doctor', 'loopback', '-F', world.sshd.sshConfig, ...(await ports())];
  const window = openTerminal([...PROGRAM, ...words], world.laptop.env);
  await window.saw('Enter passphrase for key');
  window.type('open sesame\n');
  assert.equal(await window.ended, 0, window.shown());
  assert.match(
    window.shown(),
    /✓ authentication +publickey\r\n! reconnect +the host asks at each login: .*\r\n +→ Install a key/,
  );
  assert.match(window.shown(), /✓ configuration/);
});

test('a password that would be asked for at each reconnect is asked for, and told', {
  skip: NO_ACCOUNTS,
}, async () => {
  const account = makeAccount('bash');
  try {
    execFileSync('chpasswd', { input: `${account.name}:correct horse\n` });
    await begin({
      account,
      sshdConfig: ['PubkeyAuthentication no', 'PasswordAuthentication yes', 'UsePAM yes'],
    });
    assert.match(
      await only(world, 'authentication', 'failed'),
      /Permission denied.*\nInstall your key there/,
    );
    const words = ['doctor', 'loopback', '-F', world.sshd.sshConfig, ...(await ports())];
    const window = openTerminal([...PROGRAM, ...words], world.laptop.env);
    await window.saw("'s password:");
    window.type('correct horse\n');
    assert.equal(await window.ended, 0, window.shown());
    assert.match(window.shown(), /✓ authentication +password\r\n! reconnect +the host asks at each login/);
  } finally {
    await account.remove();
  }
});

/** A host whose system says that systemd runs there; what logind would say, a stand-in does. */
async function beginWithLogind(): Promise<void> {
  const inside = [
    // A machine without systemd has neither folder.
    'mount -t tmpfs tmpfs /run',
    'mkdir -p /run/sshd /run/systemd/system',
    'mount -t tmpfs tmpfs /var/lib',
    'mkdir -p /var/lib/systemd/linger',
    'if [ -e "$0" ]; then : >"/var/lib/systemd/linger/$(id -un)"; fi',
    'exec "$@"',
  ];
  const enter = ['unshare', '--mount', 'sh', '-c', inside.join(' && ').replace('fi &&', 'fi;'), LINGERS];
  await begin({ machine: { address: '127.0.0.1', enter } });
  onHost('busctl', 'busctl');
  onHost(undefined, 'loginctl', '#!/bin/sh\n');
}

/** That this file exists tells the host's namespace, when it is made, that its user lingers. */
const LINGERS = join('/tmp', `rn-lingers-${process.pid}`);

test(
  'a logind that ends what its users leave is told, and one that does not answer; a stand-in for its bus',
  needsRoot,
  async () => {
    await beginWithLogind();
    assert.match(await only(world, 'logind', 'warning'), /^it does not tell .*\n.*loginctl enable-linger$/);
    writeFileSync(join(world.home, 'KillUserProcesses'), 'false\n');
    assert.equal(await fine(world, 'logind'), 'KillUserProcesses is off: what was started stays');
    writeFileSync(join(world.home, 'KillUserProcesses'), 'true\n');
    assert.match(
      await only(world, 'logind', 'warning'),
      /^KillUserProcesses is on: .*\n.*loginctl enable-linger$/,
    );
  },
);

test(
  'a logind that ends nothing of a user who lingers is no trouble; a stand-in for its bus',
  needsRoot,
  async () => {
    writeFileSync(LINGERS, '');
    try {
      await beginWithLogind();
    } finally {
      rmSync(LINGERS);
    }
    writeFileSync(join(world.home, 'KillUserProcesses'), 'true\n');
    assert.equal(await fine(world, 'logind'), 'you may linger: what was started stays');
  },
);

test('a port of the host that must be this one and is taken is a failure', async () => {
  await begin();
  await withTaken('', async (port) => {
    const told = await only(world, 'port', 'failed', '--port', String(port), '--strict-port');
    assert.match(told, /of the host is taken by .*\nName another with --port/);
  });
});

test("a port that another user's server has is told, root's too, where nobody may see its process", {
  skip: NO_ACCOUNTS,
}, async () => {
  const account = makeAccount('bash');
  try {
    await begin({ account });
    await withTaken('', async (port) => {
      const told = await only(world, 'port', 'warning', '--port', String(port));
      assert.match(told, /of the host is taken by user root\nJupyter takes the next/);
    });
  } finally {
    await account.remove();
  }
});

test('with --socket no port is needed', async () => {
  await begin();
  assert.equal(await fine(world, 'port', '--socket'), 'none is needed: Jupyter listens on a socket');
});

test('an sshd that forbids to forward to ports is not in the way of a socket', async () => {
  await begin({ sshdConfig: ['AllowTcpForwarding no'] });
  const { code, checks } = await diagnosis(world, '--socket', ...(await ports()));
  assert.equal(code, 0);
  assert.match(
    checks.find(({ name }) => name === 'forwarding')?.found ?? '',
    /^not checked: sshd tells of sockets/,
  );
});

test('an sshd that forbids to forward to the socket of a server is told', async () => {
  await begin();
  await started(world.laptop, '--socket', ...(await ports()));
  const file = join(world.sshd.folder, 'sshd_config');
  await world.sshd.stop();
  writeFileSync(file, `AllowStreamLocalForwarding no\n${readFileSync(file, 'utf8')}`);
  await world.sshd.start();
  const { code, checks } = await diagnosis(world);
  assert.equal(code, 1);
  const api = checks.find(({ name }) => name === 'api');
  assert.match(`${api?.found}\n${api?.fix}`, /\.sock does not answer: .*\n.*AllowStreamLocalForwarding/);
});

test('a directory that cannot be written is told', needsRoot, async () => {
  await begin();
  const folder = join(world.home, 'archive');
  mkdirSync(folder);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro,size=400m', 'tmpfs', folder]);
  try {
    assert.match(
      await only(world, 'directory', 'warning', '-d', 'archive'),
      /archive cannot be written\nNotebooks open there/,
    );
  } finally {
    execFileSync('umount', [folder]);
  }
});

for (const [what, options, told] of [
  ['has little room', 'size=100m', /^1\d\d MB are left in .*disk\nRemove there/],
  ['has room for few files', 'size=400m,nr_inodes=20', /^room for 1\d more files in .*disk\nRemove there/],
] as const) {
  test(`a disk that ${what} is told`, needsRoot, async () => {
    await begin();
    const disk = join(world.home, 'disk');
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', disk]);
    try {
      assert.match(await only(world, 'disk', 'warning', '-d', 'disk'), told);
    } finally {
      execFileSync('umount', [disk]);
    }
  });
}

test('a quota that is used up is told: a stand-in for quota', async () => {
  await begin();
  onHost('quota', 'quota');
  assert.match(
    await only(world, 'disk', 'failed'),
    /^over your quota: .*Block limit reached on \/home\nRemove there/,
  );
});

test('a host that does not tell how full its disks are is no failure', async () => {
  await begin();
  onHost(undefined, 'df', '#!/bin/sh\nexit 1\n');
  assert.equal(await fine(world, 'disk'), 'df does not tell');
});

test('a host without a place for passing files is told', async () => {
  await begin({ environment: { TMPDIR: '/no/such/folder' } });
  assert.match(
    await only(world, 'environment', 'failed'),
    /cannot write \/no\/such\/folder\nSee its permissions/,
  );
});

test('a venv in the directory is told to be used, and one without Jupyter to be passed over', async () => {
  await begin();
  makeVenv(join(world.home, '.venv'), { jupyter: false });
  assert.match(
    await only(world, 'environment', 'warning'),
    /^\.venv is in the directory, but has no jupyter: passed over\nName the one/,
  );
  makeVenv(join(world.home, 'venv'));
  rmSync(join(world.home, '.venv'), { recursive: true });
  assert.equal(await fine(world, 'environment'), 'venv is in the directory, and is used');
});

test('a tool that is not there, and a line of setup that fails, are told', async () => {
  await begin();
  assert.match(
    await only(world, 'environment', 'failed', '-e', 'pixi'),
    /^pixi is not installed on loopback/,
  );
  assert.match(
    await only(world, 'environment', 'failed', '--setup', 'echo no such thing; false'),
    /^a line of setup failed on loopback: .*\nIt said:\n {2}no such thing\nMend it/,
  );
});

test('what a start-up file or a line of setup exports, whatever its name, changes nothing of the examination', async () => {
  await begin();
  const root = join(world.home, 'miniforge3');
  standIn('conda', join(root, 'bin', 'conda'));
  chmodSync(join(root, 'bin', 'conda'), 0o755);
  makeVenv(join(root, 'envs', 'ml'));
  mkdirSync(join(root, 'envs', 'ml', 'conda-meta'));
  const precious = join(world.home, 'precious');
  mkdirSync(precious);
  writeFileSync(join(precious, 'data'), 'mine');
  const names = ['folder', 'here', 'record', 'remote_notebook', 'environment', 'command', 'name', 'entered'];
  const codes = [
    'OWN',
    'CONDA',
    'CONDA_CODE',
    'LEAVE',
    'LEAVE_CODE',
    'CONDA_PLACES',
    'USUAL_PLACES',
    'SETUP',
  ];
  const line = `export ${[...names, ...codes].map((name) => `${name}='${precious}'`).join(' ')}`;
  const told = await fine(world, 'environment', '-e', 'conda:ml', '--setup', line);
  assert.equal(told, 'conda:ml');
  assert.match(await fine(world, 'jupyter', '-e', 'conda:ml', '--setup', line), /^jupyter (lab|notebook) \d/);
  assert.deepEqual(readdirSync(precious), ['data']);
});

test('a Jupyter that is broken is told, and one beside which neither interface is', async () => {
  await begin();
  onHost(undefined, 'jupyter', '#!/bin/sh\nexit 1\n');
  assert.match(
    await only(world, 'jupyter', 'failed'),
    /jupyter on loopback has neither JupyterLab nor the notebook/,
  );
  onHost(undefined, 'jupyter-lab', '#!/bin/sh\necho ImportError >&2\nexit 1\n');
  const { checks } = await diagnosis(world, ...(await ports()));
  const jupyter = checks.find(({ name }) => name === 'jupyter');
  assert.deepEqual([jupyter?.verdict, jupyter?.found], ['failed', '"jupyter lab --version" says nothing']);
});

test("a wrapper of the user's own is not asked, since it may start something", async () => {
  await begin();
  onHost(undefined, 'mine', `#!/bin/sh\n: >"$HOME/started"\nexec jupyter notebook "$@"\n`);
  assert.match(await fine(world, 'jupyter', '--command', 'mine'), /^mine \(its version is not asked/);
  assert.match(
    await fine(world, 'configuration', '--command', 'mine'),
    /^not asked: mine may start something$/,
  );
  assert.equal(existsSync(join(world.home, 'started')), false);
});

/** Writes a configuration that each kind of Jupyter reads. */
function configure(lines: readonly string[]): void {
  mkdirSync(join(world.home, '.jupyter'), { recursive: true });
  for (const [file, application] of [
    ['notebook', 'NotebookApp'],
    ['server', 'ServerApp'],
  ])
    writeFileSync(
      join(world.home, '.jupyter', `jupyter_${file}_config.py`),
      lines.map((line) => `c.${application}.${line}\n`).join(''),
    );
}

test('each surprise that a configuration of Jupyter may hold is told', {
  skip: lacks('openssl'),
}, async () => {
  await begin();
  const [certificate, key, socket] = ['cert.pem', 'key.pem', 'mine.sock'].map((name) =>
    join(world.home, name),
  );
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=x'];
  execFileSync('openssl', [...request, '-keyout', `${key}`, '-out', `${certificate}`], { stdio: 'ignore' });
  configure([
    `certfile = '${certificate}'`,
    `keyfile = '${key}'`,
    `sock = '${socket}'`,
    `notebook_dir = '${world.home}'`,
    "ip = '127.0.0.1'",
    "base_url = '/'",
  ]);
  const told = await only(world, 'configuration', 'warning');
  for (const words of ['sets a certificate', `names the directory ${world.home}`])
    assert.ok(told.includes(words), told);
  assert.doesNotMatch(told, /network|moves all pages/);
  assert.equal(existsSync(`${socket}`), false, 'nothing is left of its being asked');
});

test('a configuration of Jupyter that is broken is told', async () => {
  await begin();
  configure(['this is no Python']);
  assert.match(
    await only(world, 'configuration', 'warning'),
    /^Jupyter cannot read its jupyter_\w+_config\.py( and \S+)*, and goes on without it\nMend it on the host/,
  );
  rmSync(join(world.home, '.jupyter'), { recursive: true });
  // A folder that is not there ends Jupyter.
  configure(["notebook_dir = '/no/such/folder'"]);
  assert.match(
    await only(world, 'configuration', 'warning'),
    /^Jupyter does not say what it is configured to be\n.*jupyter --show-config/,
  );
});

test('a server that refuses the token of its record is told', async () => {
  await begin();
  await started(world.laptop, ...(await ports()));
  const { folder, token } = serverRecord(world.laptop);
  const file = join(folder, 'server.json');
  writeFileSync(file, readFileSync(file, 'utf8').replace(token, 'another'));
  const { code, checks } = await diagnosis(world);
  assert.equal(code, 1);
  const found = (name: string) => checks.find((check) => check.name === name);
  assert.match(found('api')?.found ?? '', /refuses the server's token \(HTTP 403\)$/);
  assert.match(found('api')?.fix ?? '', /^Another server holds that port/);
  assert.equal(found('websocket')?.found, 'not checked: api');
});

test('a websocket that gets no answer at all is told', async () => {
  await begin();
  const folder = join(world.home, '.jupyter');
  configure([`extra_services = ['in_the_way']`]);
  for (const file of ['jupyter_notebook_config.py', 'jupyter_server_config.py'])
    appendFileSync(join(folder, file), `import sys\nsys.path.insert(0, '${folder}')\n`);
  writeFileSync(
    join(folder, 'in_the_way.py'),
    `from tornado.web import RequestHandler
class HangUp(RequestHandler):
    def get(self):
        self.request.connection.stream.close()
default_handlers = [(r'/api/events/subscribe', HangUp)]
`,
  );
  await started(world.laptop, ...(await ports()));
  const { code, checks } = await diagnosis(world);
  assert.equal(code, 1);
  const websocket = checks.find(({ name }) => name === 'websocket');
  assert.deepEqual([websocket?.verdict, websocket?.found], ['failed', 'no answer']);
});

test('a port of this machine that is taken is a warning, unless it must be this one', async () => {
  await begin();
  await withTaken('', async (port) => {
    const told = await only(world, 'local port', 'warning', '--local-port', String(port));
    assert.match(told, /of this machine is taken by .*\nstart takes the next one/);
  });
});

test('a browser that is named and not there is told, and a desktop has its own', {
  skip: process.platform !== 'linux' && 'a desktop is always there',
}, async () => {
  await begin();
  world.laptop.env.BROWSER = 'no-such-browser %s';
  assert.match(
    await only(world, 'browser', 'warning'),
    /^\$BROWSER is no-such-browser %s, which is not there\nSet BROWSER/,
  );
  world.laptop.env.BROWSER = 'true %s';
  assert.equal(await fine(world, 'browser'), '$BROWSER is true %s');
  delete world.laptop.env.BROWSER;
  world.laptop.env.DISPLAY = ':7';
  assert.equal(await fine(world, 'browser'), "the desktop's own");
});
