import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { notebookOf } from '../hosts/driver.ts';
import { loneLaptopPerTest } from '../hosts/lone-laptop.ts';

/** Mistakes on the command lines of runs. Each is reported, and nothing is run or changed. */

const lone = loneLaptopPerTest();

const NO_NAME = 'Use up to 64 letters, digits, dots, dashes and underscores, without a leading dot or dash.';
const HELP = 'See: remote-notebook run --help';

/** What follows `run`, with FILES for a folder with a notebook, and its complete output. */
const MISTAKES: readonly (readonly [args: string, stderr: string])[] = [
  ['', `Error: the argument <notebook> is missing\n${HELP}\n`],
  [
    'FILES/absent.ipynb host {F}',
    'Error: cannot read FILES/absent.ipynb: ENOENT: no such file or directory\nA notebook on the host is written HOST:PATH.\n',
  ],
  [
    'FILES host {F}',
    'Error: FILES is a folder, not a notebook\nName a notebook in it. To send a folder with a notebook: --with\n',
  ],
  ['host: {F}', 'Error: "host:" does not name a notebook\nWrite its path after the colon: host:PATH\n'],
  [
    'host FILES/a.ipynb {F}',
    'Error: there is no notebook "host"\nThe notebook comes first: remote-notebook run FILES/a.ipynb host\n',
  ],
  [
    'FILES/a.ipynb me@host:rne/exp {F}',
    'Error: "me@host:rne/exp" is a host with a directory, which has an option of its own\nWrite: remote-notebook run FILES/a.ipynb me@host --directory rne/exp\n',
  ],
  ['host:a.ipynb host {F}', 'Error: the host in "host:a.ipynb" and "host" cannot be combined\n'],
  ['FILES/a.ipynb host more {F}', `Error: unexpected argument "more"\n${HELP}\n`],
  ['FILES/a.ipynb host {F} -P', `Error: -P needs a value\n${HELP}\n`],
  ['FILES/a.ipynb host {F} -P x', 'Error: -P needs NAME=VALUE, not "x"\n'],
  ['FILES/a.ipynb host {F} -P =1', 'Error: "" cannot be the name of a parameter\n'],
  ['FILES/a.ipynb host {F} -P 1x=2', 'Error: "1x" cannot be the name of a parameter\n'],
  ['FILES/a.ipynb host {F} -P x.y=2', 'Error: "x.y" cannot be the name of a parameter\n'],
  [
    'FILES/a.ipynb host {F} --params FILES/absent',
    'Error: cannot read FILES/absent: ENOENT: no such file or directory\n',
  ],
  [
    'FILES/a.ipynb host {F} --params FILES/list',
    'Error: the file of --params must contain one JSON object, from names to values\n',
  ],
  [
    'FILES/a.ipynb host {F} --cell-timeout soon',
    'Error: --cell-timeout is "soon", which is not a duration\nWrite minutes, hours or days: 90m, 8h, 2d\n',
  ],
  [
    'FILES/a.ipynb host {F} --keep-kernel 0',
    'Error: --keep-kernel is "0", which is not a duration\nWrite minutes, hours or days: 90m, 8h, 2d\n',
  ],
  ['FILES/a.ipynb host {F} --kernel', `Error: --kernel needs a value\n${HELP}\n`],
  ['FILES/a.ipynb host {F} --then x', 'Error: --then works only with --wait\nAdd --wait.\n'],
  [
    'FILES/a.ipynb host {F} --output FILES/a.ipynb',
    'Error: FILES/a.ipynb is the notebook itself\nName another file with --output, or move that one.\n',
  ],
  [
    'FILES/a.ipynb host {F} --output FILES/list',
    'Error: FILES/list was changed since it was written, or is another file\nName another file with --output, or move that one.\n',
  ],
  [
    'FILES/list host {F} --wait --output FILES/list/b.ipynb',
    'Error: cannot write FILES/list/b.ipynb: ENOTDIR: not a directory\nName another file with --output, or move that one.\n',
  ],
  [
    'host:b.ipynb {F} --wait --output FILES',
    'Error: FILES cannot be replaced by a notebook: EISDIR: illegal operation on a directory\nName another file with --output.\n',
  ],
  [
    `FILES/a.ipynb host {F} --output FILES/${'x'.repeat(250)}`,
    `Error: cannot write FILES/${'x'.repeat(250)}: its name is too long\nName another file with --output, or move that one.\n`,
  ],
  ['FILES/a.ipynb host {F} --dry-run --wait', 'Error: --dry-run and --wait cannot be combined\n'],
  ['FILES/a.ipynb host {F} --with FILES/absent', 'Error: cannot send FILES/absent: it does not exist\n'],
  [
    'FILES/a.ipynb host {F} --with FILES/../l',
    'Error: cannot send FILES/../l: it is not below FILES, the folder of the notebook\nIt gets the same place in the directory on the host. Copy it there yourself, for example with rsync.\n',
  ],
  [
    'host:a.ipynb {F} --with FILES/list',
    'Error: --with works only for a notebook on this machine\nA notebook on the host is executed in its own folder.\n',
  ],
  ['FILES/a.ipynb host {F} --force', 'Error: --force has no effect without --with\n'],
  ['FILES/a.ipynb host {F} --name a/b', `Error: "a/b" cannot be a run's name\n${NO_NAME}\n`],
  ['FILES/a.ipynb host {F} --wait=yes', 'Error: --wait takes no value\nWrite --wait alone.\n'],
  [
    'FILES/a.ipynb host {F} --alow-errors',
    `Error: unknown option --alow-errors\nDid you mean --allow-errors? ${HELP}\n`,
  ],
  ['FILES/a.ipynb host {F} --port 1', `Error: unknown option --port\n${HELP}\n`],
  ['FILES/a.ipynb host {F} --venv x', `Error: unknown option --venv\nDid you mean --environment? ${HELP}\n`],
  [
    'me:secret@host:a.ipynb {F}',
    `Error: a destination cannot contain a password: other users could read it in the process list
Use user@host; ssh asks for the password. To log in with a key: ssh-copy-id user@host
`,
  ],
];

const LOOK = 'Open it in Jupyter or another editor for notebooks, which shows whether it is damaged.';
/** Contents of a file, and why it is refused before anything is sent. */
const NO_NOTEBOOKS: Readonly<
  Record<string, readonly [content: string | Buffer, name: string, stderr: string]>
> = {
  'an empty file': [
    '\n',
    'a.ipynb',
    'is empty\nOpen it in Jupyter or another editor for notebooks, and save it.',
  ],
  'half of a notebook': [
    JSON.stringify(notebookOf('1')).slice(0, -9),
    'a.ipynb',
    `is not a notebook: it is not JSON, or not all of it\n${LOOK}`,
  ],
  'other JSON': [
    '[1]',
    'a.ipynb',
    `is not a notebook: it does not contain the number of its format, nbformat\n${LOOK}`,
  ],
  null: [
    'null',
    'a.ipynb',
    `is not a notebook: it does not contain the number of its format, nbformat\n${LOOK}`,
  ],
  'a notebook without cells': [
    '{"nbformat": 4}',
    'a.ipynb',
    `is not a notebook: it has no list of cells\n${LOOK}`,
  ],
  'a notebook in UTF-16': [
    Buffer.from(`\ufeff${JSON.stringify(notebookOf('1'))}`, 'utf16le'),
    'a.ipynb',
    `is not a notebook: it is not text in UTF-8\n${LOOK}`,
  ],
  'a notebook with a conflict': [
    '{\n<<<<<<< HEAD\n "cells": [],\n=======\n "cells": [1],\n>>>>>>> other\n "nbformat": 4}',
    'a.ipynb',
    'contains a conflict of git, between lines of < and >\nResolve it first, for example with nbdime.',
  ],
  'a program': [
    'print(NaN)\n',
    'train.py',
    'is a Python program, not a notebook\nTo execute it, make a notebook with the cell "%run train.py" beside it, and add --with train.py.',
  ],
};

for (const [what, [content, name, stderr]] of Object.entries(NO_NOTEBOOKS)) {
  test(`what is not a notebook is refused before anything is sent: ${what}`, async () => {
    const path = join(lone.folder, name);
    writeFileSync(path, content);
    assert.equal(await lone.refused('run', path, 'host', '{F}'), `Error: FILES/${name} ${stderr}\n`);
  });
}

test('a notebook that the host can read is not refused: with a byte order mark, NaN, or an old format', async () => {
  const output = { output_type: 'execute_result', data: { 'application/json': 'VALUE' }, metadata: {} };
  const notebook = notebookOf('1');
  const withNumber = JSON.stringify({ ...notebook, metadata: { output } }).replace('"VALUE"', '-Infinity');
  const contents = [`\ufeff${JSON.stringify(notebook)}`, withNumber, '{"nbformat": 3, "worksheets": []}'];
  for (const content of contents) {
    const path = join(lone.folder, 'a.ipynb');
    writeFileSync(path, content);
    const { code, stderr } = await lone.laptop.run('run', path, 'host', '{F}', '--dry-run');
    assert.equal(code, 0, stderr);
  }
});

for (const [line, stderr] of MISTAKES) {
  test(`a mistake is reported, and nothing is run or changed: remote-notebook run ${line}`, async () => {
    const files = join(lone.folder, 'files');
    mkdirSync(files);
    writeFileSync(join(files, 'a.ipynb'), JSON.stringify(notebookOf('1')));
    writeFileSync(join(files, 'list'), '[1]');
    const words = line.split(' ').filter((word) => word !== '');
    const shown = await lone.refused('run', ...words.map((word) => word.replace('FILES', files)));
    assert.equal(shown.replaceAll('FILES/files', 'FILES'), stderr);
  });
}

for (const [args, stderr] of [
  [['fetch'], 'Error: the argument <run> is missing\nSee: remote-notebook fetch --help\n'],
  [['console'], 'Error: the argument <run> is missing\nSee: remote-notebook console --help\n'],
  [
    ['fetch', 'trian-1'],
    'Error: this machine knows no run "trian-1"\nDid you mean train-1? To see the runs of a host: remote-notebook runs HOST\n',
  ],
  [
    ['console', 'toString'],
    'Error: this machine knows no run "toString"\nTo see the runs of a host: remote-notebook runs HOST\n',
  ],
  [
    ['logs', 'trian-1'],
    'Error: there is no server or run "trian-1"\nDid you mean train-1? The servers are: gpu. To see the runs of a host: remote-notebook runs HOST\n',
  ],
  [
    ['status', 'train-1', '--watch'],
    'Error: --watch shows all runs, or one server\nTo watch this run: remote-notebook logs train-1 -f\n',
  ],
  [
    // The mistake is found before anything is repaired.
    ['status', 'train-1', '--repair', '--watch'],
    'Error: --watch shows all runs, or one server\nTo watch this run: remote-notebook logs train-1 -f\n',
  ],
  [['stop', 'train-1', '--keep-server'], 'Error: a run and --keep-server cannot be combined\n'],
] as const) {
  test(`a mistake about a run is reported: remote-notebook ${args.join(' ')}`, async () => {
    mkdirSync(lone.laptop.stateFolder, { recursive: true, mode: 0o700 });
    const runs = { 'train-1': { destination: 'host', sshConfig: join(lone.folder, 'ssh_config') } };
    writeFileSync(join(lone.laptop.stateFolder, 'runs.json'), JSON.stringify({ runs, written: {} }), {
      mode: 0o600,
    });
    lone.configure('servers:\n  gpu: { destination: host }\n');
    assert.equal(await lone.refused(...args), stderr);
  });
}

test('the name of a server where that of a run is expected is reported as such', async () => {
  mkdirSync(lone.laptop.stateFolder, { recursive: true, mode: 0o700 });
  const servers = { gpu: { spec: { destination: 'host' } } };
  writeFileSync(join(lone.laptop.stateFolder, 'state.json'), JSON.stringify({ servers }), { mode: 0o600 });
  assert.equal(
    await lone.refused('fetch', 'gpu'),
    'Error: "gpu" is a server, not a run\nTo see the runs of a host: remote-notebook runs host\n',
  );
});

test('a mistake in the section runs of config.yaml is reported with its line', async () => {
  lone.configure('runs:\n  than: x\n');
  const file = lone.laptop.configurationFile.replace(lone.folder, 'FILES');
  assert.equal(dirname(dirname(file)), 'FILES/l/config');
  assert.equal(
    await lone.refused('config', 'check'),
    `Error: ${file}:2: runs.than is unknown\nKnown keys: then, then-on-host\n`,
  );
  lone.configure('runs: { then: 1 }\n');
  assert.match(await lone.refused('config', 'check'), /:1: runs\.then is 1, but a string is expected/);
});

test('a run in a batch job shows with --dry-run how that is submitted, also as the job of its server', async () => {
  lone.configure('servers:\n  big: { destination: cluster, launcher: slurm, time: 2h }\n');
  const path = join(lone.folder, 'a.ipynb');
  writeFileSync(path, JSON.stringify(notebookOf('1')));
  const { code, stdout, stderr } = await lone.laptop.run('run', path, 'big', '--dry-run', '--cpus', '4');
  assert.equal(code, 0, stderr);
  assert.match(
    stdout,
    /\n# submit: .*\nslurm_forget; sbatch --parsable --job-name=remote-notebook-a .*--time=120 --cpus-per-task=4 /,
  );
  const shown = await lone.laptop.run('run', path, 'big', '--dry-run', '--verbose');
  assert.match(shown.stdout, /\n# job\.sh in that folder:\n[\s\S]*\nbegin_job\(\) \{\n/);
});

test('the options of a batch job need a scheduler', async () => {
  lone.configure('servers: {}\n');
  const path = join(lone.folder, 'a.ipynb');
  writeFileSync(path, JSON.stringify(notebookOf('1')));
  assert.match(
    await lone.refused('run', path, 'gpu', '{F}', '--queue-timeout', '1h'),
    /^Error: --queue-timeout applies only to a server in a batch job\nAdd --launcher/,
  );
});

test('a run never computes outside of the container in which its server is', async () => {
  lone.configure('servers:\n  boxed: { destination: gpu, environment: "podman:ml" }\n');
  const path = join(lone.folder, 'a.ipynb');
  writeFileSync(path, JSON.stringify(notebookOf('1')));
  assert.equal(
    await lone.refused('run', path, 'boxed', '{F}'),
    `Error: a run cannot be in a container yet (podman:ml)
Name another environment with --environment, or open the notebook in a server that you start.
`,
  );
});
