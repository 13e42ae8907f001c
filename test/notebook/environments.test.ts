import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { lacks, whereIs } from '../hosts/shells.ts';
import { ports } from '../hosts/sshd.ts';
import { standIn } from '../hosts/stand-ins.ts';
import { traces } from '../hosts/traces.ts';
import { makeVenv } from '../hosts/venv.ts';
import { eventually, makeWorld, type World } from '../hosts/world.ts';

/**
 * Every form of --environment: started, joined from another laptop and stopped. conda, uv and pixi are stand-ins (see
 * test/hosts/stand-ins); poetry and Lmod are the real ones.
 */

let world: World;
let work: string;
beforeEach(async () => {
  world = await makeWorld();
  work = join(world.home, "it's work");
  mkdirSync(work);
});
afterEach(() => world.remove());

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** A conda environment: a prefix with a folder conda-meta, and a script for its activation that is bash's, as many are. */
function makeCondaEnvironment(prefix: string): void {
  makeVenv(prefix);
  mkdirSync(join(prefix, 'conda-meta'));
  const script = "function greet() { echo hello; }\ngreet\nexport FROM_ACTIVATION=$'two\\nlines, '\"it's\"\n";
  write(join(prefix, 'etc/conda/activate.d/greet.sh'), script);
}

const words = (environment: string) => [
  'start',
  'loopback',
  '{F}',
  '--no-open',
  '--json',
  '--directory',
  work,
  ...(environment === '' ? [] : ['--environment', environment]),
];

/** Starts in this environment, joins from another laptop, and answers with what runs and its variables. */
async function startedIn(environment: string, ...more: string[]) {
  const port = await ports();
  const started = await world.laptop.run(...words(environment), ...port, ...more);
  assert.equal(started.code, 0, started.stderr);
  const { server, phases } = JSON.parse(started.stdout);
  const joined = await world.anotherLaptop().run(...words(environment), ...more);
  assert.equal(joined.code, 0, joined.stderr);
  assert.deepEqual(
    [JSON.parse(joined.stdout).joined, JSON.parse(joined.stdout).server.pid],
    [true, server.pid],
  );
  const read = (file: string) => readFileSync(`/proc/${server.pid}/${file}`, 'utf8').split('\0');
  return { server, phases, program: read('cmdline')[0], variables: read('environ') };
}

/** Stops it: then nothing of it is left on the host, no wrapper either. */
async function stopAll(): Promise<void> {
  const stopped = await world.laptop.run('stop');
  assert.equal(stopped.code, 0, stopped.stderr);
  await eventually('nothing is left but the other laptop', () => hostTraces().length === 0, 20_000).catch(
    () => assert.deepEqual(hostTraces(), []),
  );
}

function hostTraces(): string[] {
  return traces(world, world.laptop).filter((trace) => !/: (sh|\/bin\/sh|ssh|sshd)\b|sshd: /.test(trace));
}

async function failure(...args: string[]): Promise<string> {
  const { code, stderr } = await world.laptop.run(...args);
  assert.equal(code, 1, stderr);
  await eventually('nothing is left', () => traces(world, world.laptop).length === 0, 20_000).catch(() =>
    assert.deepEqual(traces(world, world.laptop), []),
  );
  return stderr.slice(stderr.indexOf('Error: ')).replaceAll(world.home, 'HOME');
}

test('conda:NAME is that environment of the conda in the home folder, with its activation scripts, and no conda init', async () => {
  standIn('conda', join(world.home, 'miniforge3/bin/conda'));
  makeCondaEnvironment(join(world.home, 'miniforge3/envs/ml'));
  const { program, variables, phases } = await startedIn('conda:ml');
  assert.equal(program, join(world.home, 'miniforge3/envs/ml/bin/python'));
  assert.ok(variables.includes("FROM_ACTIVATION=two\nlines, it's"));
  assert.ok('environment' in phases);
  await stopAll();
});

test('conda:PATH is an environment outside, which begins with ~ or /', async () => {
  standIn('conda', join(world.home, 'anaconda3/bin/conda'));
  makeCondaEnvironment(join(world.home, 'my envs/ml'));
  const { program } = await startedIn('conda:~/my envs/ml');
  assert.equal(program, join(world.home, 'my envs/ml/bin/python'));
  await stopAll();
});

test('conda:NAME is found by micromamba, too, when the conda that is there does not know it', async () => {
  standIn('conda', join(world.home, 'miniconda3/bin/conda'));
  standIn('conda', join(world.home, '.local/bin/micromamba'));
  makeCondaEnvironment(join(world.home, 'micromamba/envs/ml'));
  const { program } = await startedIn('conda:ml');
  assert.equal(program, join(world.home, 'micromamba/envs/ml/bin/python'));
  await stopAll();
});

test('uv is the environment of the project in the directory, and no uv stays', async () => {
  standIn('uv', join(world.home, '.local/bin/uv'));
  write(join(work, 'pyproject.toml'), '[project]\nname = "work"\n');
  makeVenv(join(work, '.venv'));
  const { program } = await startedIn('uv');
  assert.equal(program, join(work, '.venv/bin/python'));
  await stopAll();
});

test('pixi is the environment of the workspace in the directory, and no pixi stays', async () => {
  standIn('pixi', join(world.home, '.pixi/bin/pixi'));
  write(join(work, 'pixi.toml'), '');
  makeVenv(join(work, '.pixi/envs/default'));
  const { program, variables } = await startedIn('pixi');
  assert.equal(program, join(work, '.pixi/envs/default/bin/python'));
  assert.ok(variables.includes('PIXI_ENVIRONMENT_NAME=default'));
  await stopAll();
});

const PYPROJECT = `[tool.poetry]
name = "work"
version = "1"
description = ""
authors = []
[tool.poetry.dependencies]
python = "*"
`;

test('poetry is the environment of the project in the directory, and no poetry stays', {
  skip: lacks('poetry'),
}, async () => {
  write(join(work, 'pyproject.toml'), PYPROJECT);
  makeVenv(join(work, '.venv'));
  const { program, variables } = await startedIn('poetry');
  assert.equal(program, join(work, '.venv/bin/python'));
  assert.ok(variables.includes(`VIRTUAL_ENV=${join(work, '.venv')}`));
  await stopAll();
});

test('no jupyter in the environment is told with the command that installs it, though the system has one', async () => {
  standIn('conda', join(world.home, 'miniforge3/bin/conda'));
  makeVenv(join(world.home, 'miniforge3/envs/bare'), { jupyter: false });
  mkdirSync(join(world.home, 'miniforge3/envs/bare/conda-meta'));
  assert.equal(
    await failure(...words('conda:bare')),
    `Error: jupyter is not installed on loopback, or not where it is looked for: HOME/miniforge3/envs/bare/bin
Install it there: conda install -n bare -c conda-forge jupyterlab
`,
  );
});

const MODULES = ['/usr/share/lmod/lmod/init/sh', '/usr/share/modules/init/sh'];
const NO_MODULES =
  !MODULES.some((file) => existsSync(file)) && 'neither Lmod nor environment-modules is here';

/** Two modules, in the old language that both kinds of `module` read; the first has a Jupyter. */
function writeModules(): string {
  const folder = join(world.home, 'modulefiles');
  makeVenv(join(world.home, 'apps/python'));
  write(
    join(folder, 'python/3.11'),
    `#%Module1.0\nprepend-path PATH {${join(world.home, 'apps/python/bin')}}\nsetenv FROM_PYTHON yes\n`,
  );
  write(join(folder, 'cuda'), '#%Module1.0\nsetenv FROM_CUDA yes\n');
  return `export MODULEPATH='${folder.replaceAll("'", "'\\''")}'`;
}

test('module:NAME,NAME loads these modules, in a shell that is no login shell', {
  skip: NO_MODULES,
}, async () => {
  const setup = ['--setup', writeModules()];
  const { program, variables } = await startedIn('module:python/3.11,cuda', ...setup);
  assert.equal(program, join(world.home, 'apps/python/bin/python'));
  assert.deepEqual(variables.filter((variable) => variable.startsWith('FROM_')).toSorted(), [
    'FROM_CUDA=yes',
    'FROM_PYTHON=yes',
  ]);
  await stopAll();
});

test('lines of setup run in order in the directory, in one shell, before the environment', async () => {
  makeVenv(join(work, 'my env'));
  const lines = [
    'say() { echo "noise, $1"; export SAID="$1"; }',
    'say "$(pwd)"',
    'cd /',
    'export VIRTUAL_ENV=/before',
  ];
  const notebook = { destination: 'loopback', directory: work, environment: 'my env', setup: lines };
  write(world.laptop.configurationFile, JSON.stringify({ notebooks: { loopback: notebook } }));
  const { program, variables } = await startedIn('');
  assert.equal(program, join(work, 'my env/bin/python'));
  const expected = [`SAID=${work}`, `VIRTUAL_ENV=${join(work, 'my env')}`, `PWD=${work}`];
  assert.deepEqual(
    expected.filter((variable) => !variables.includes(variable)),
    [],
  );
  await stopAll();
});

test('what a line of setup exports, whatever its name, changes nothing of the launch itself', async () => {
  const elsewhere = join(world.home, 'elsewhere');
  mkdirSync(elsewhere);
  writeFileSync(join(elsewhere, 'record'), 'mine');
  const lines = [
    `export folder='${elsewhere}' here='${elsewhere}' port=1 launch=x name=x command=false pid=1 locked=`,
  ];
  await startedIn('', '--setup', ...lines);
  await stopAll();
  assert.equal(readFileSync(join(elsewhere, 'record'), 'utf8'), 'mine');
});

test('what a line of setup exports reaches Jupyter, and keeps no conda from being entered', async () => {
  const root = join(world.home, 'miniforge3');
  standIn('conda', join(root, 'bin/conda'));
  makeCondaEnvironment(join(root, 'envs/ml'));
  const { variables } = await startedIn('conda:ml', '--setup', 'export CONDA=/opt/mine OWN=me MODULES=none');
  assert.ok(
    variables.includes('CONDA=/opt/mine') && variables.includes('MODULES=none'),
    variables.join('\n'),
  );
  await stopAll();
});

test('what an activate script sets, whatever its name, changes nothing of the launch itself', async () => {
  makeVenv(join(work, 'venv'));
  const lines = `folder='${world.home}' here=/ OWN= port=1 launch=x name=x command=false pid=1 locked=\ncd /\n`;
  appendFileSync(join(work, 'venv/bin/activate'), lines);
  const { server } = await startedIn('venv');
  assert.equal(readlinkSync(`/proc/${server.pid}/cwd`), work);
  await stopAll();
});

for (const [what, line, said] of [
  ['fails', 'echo "words of the tool" >&2; false', '\nIt said:\n  words of the tool'],
  ['ends its shell', 'echo "words of the tool"; exit 0', '\nIt said:\n  words of the tool'],
  ['is no shell', 'if then', '\nIt said:\n  .*syntax error.*\n.*'],
  [
    'names a program that is not there',
    'no-such-program',
    '\nIt said:\n  .*no-such-program: command not found',
  ],
] as const) {
  test(`a line of setup that ${what} is told, with what it said`, async () => {
    const message = await failure(...words(''), '--setup', 'true # it is well', '--setup', line);
    const escaped = line.replace(/[$()|&;]/g, '\\$&');
    assert.match(
      message,
      new RegExp(
        `^Error: a line of setup failed on loopback: ${escaped}${said}\nMend it in config\\.yaml, or in --setup\\.`,
      ),
    );
  });
}

/** What is on the host, the environment that is named, and what is told. */
const FAILURES: Readonly<
  Record<string, readonly [prepare: () => void, environment: string, message: string]>
> = {
  'a conda environment that is not there': [
    () => standIn('conda', join(world.home, 'miniforge3/bin/conda')),
    'conda:nope',
    `the environment "conda:nope" cannot be entered on loopback. It said:
  EnvironmentNameNotFound: Could not find conda environment: nope
  You can list all discoverable environments with \`conda info --envs\`.
If it is not there yet, make it there: conda create -n nope -c conda-forge jupyterlab
`,
  ],
  'a project that uv cannot make ready': [
    () => {
      standIn('uv', join(world.home, '.local/bin/uv'));
      write(join(work, 'pyproject.toml'), '');
    },
    'uv',
    `the environment "uv" cannot be entered on loopback. It said:
  error: Failed to fetch jupyterlab
If it is not there yet, make it there: uv init && uv add jupyterlab
`,
  ],
  'a uv project without Jupyter': [
    () => {
      standIn('uv', join(world.home, '.local/bin/uv'));
      write(join(work, 'pyproject.toml'), '');
      makeVenv(join(work, '.venv'), { jupyter: false });
    },
    'uv',
    `jupyter is not installed on loopback, or not where it is looked for: HOME/it's work/.venv/bin
Install it there: uv add jupyterlab
`,
  ],
  'a pixi workspace without Jupyter': [
    () => {
      standIn('pixi', join(world.home, '.pixi/bin/pixi'));
      write(join(work, 'pixi.toml'), '');
      mkdirSync(join(work, '.pixi/envs/default'), { recursive: true });
    },
    'pixi',
    `jupyter is not installed on loopback, or not where it is looked for: HOME/it's work/.pixi/envs/default/bin
Install it there: pixi add jupyterlab
`,
  ],
};

for (const [what, [prepare, environment, message]] of Object.entries(FAILURES)) {
  test(`${what} is told, with the one command that helps`, async () => {
    prepare();
    assert.equal(await failure(...words(environment)), `Error: ${message}`);
  });
}

test('a directory that is no project of poetry is told in its words', { skip: lacks('poetry') }, async () => {
  assert.match(
    await failure(...words('poetry')),
    /^Error: the environment "poetry" cannot be entered on loopback\. It said:\n(?:.*\n)*.*could not find a pyproject\.toml.*\n(?:.*\n)*If it is not there yet, make it there: poetry init && poetry add jupyterlab\n$/,
  );
});

test('a module that is not there is told in the words of its tool', { skip: NO_MODULES }, async () => {
  assert.match(
    await failure(...words('module:no-such-module')),
    /^Error: the environment "module:no-such-module" cannot be entered on loopback\. It said:\n(?:.*\n)*.*no-such-module.*\n(?:.*\n)*See there what there is: module avail\n$/,
  );
});

for (const [environment, tool] of [
  ['conda:ml', 'conda'],
  ['uv', 'uv'],
  ['pixi', 'pixi'],
] as const) {
  test(`${environment} where there is no ${tool} is told, with where it was looked for`, {
    skip: whereIs(tool) !== undefined && `this machine has a ${tool}`,
  }, async () => {
    assert.match(
      await failure(...words(environment)),
      new RegExp(
        `^Error: ${tool} is not installed on loopback, or not where it is looked for: /.*:HOME/\\.local/bin.*\nWhere it is elsewhere, say so in a line of setup: export PATH=/path/of/bin:\\$PATH\n$`,
      ),
    );
  });
}

test('a venv in the directory is used unasked: .venv before venv, and none that has no jupyter', async () => {
  makeVenv(join(work, '.venv'), { jupyter: false });
  makeVenv(join(work, 'venv'));
  const { code, stderr } = await world.laptop.run(...words('').filter((word) => word !== '--json'));
  assert.equal(code, 0, stderr);
  assert.match(stderr, /\.venv is in the directory, but has no jupyter: passed over\n/);
  assert.match(stderr, / venv is in the directory, and is used\n/);
  await stopAll();
  makeVenv(join(work, '.venv'));
  const { program } = await startedIn('');
  assert.equal(program, join(work, '.venv/bin/python'));
  await stopAll();
});

test('a start that is interrupted while an environment is entered leaves nothing of it', async () => {
  const begun = join(work, 'begun');
  const line = `trap '' TERM; touch begun; sleep 1000`;
  const start = world.laptop.start(...words(''), '--setup', line);
  await eventually('the line runs', () => existsSync(begun));
  start.signal('SIGINT');
  const { code, stderr } = await start.ended;
  assert.equal(code, 130, stderr);
  assert.match(stderr, /Interrupted; nothing is left behind\./);
  assert.deepEqual(traces(world, world.laptop), []);
});
