import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { parseConfiguration, readConfiguration, saveNotebook } from '../../src/notebook/configuration.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rn-configuration-'));
  file = join(folder, 'new', 'config.yaml');
});
afterEach(() => rmSync(folder, { recursive: true }));

const EMPTY = { default: undefined, notebooks: {} };

test('a file that is not there, empty, or all comments names no notebook', async () => {
  assert.deepEqual(await readConfiguration(file), EMPTY);
  for (const text of ['', '\n', '# nothing yet\n', '---\n', 'notebooks: {}\n', '{}\n'])
    assert.deepEqual(await parseConfiguration(text, file), EMPTY, JSON.stringify(text));
});

test('each key of a notebook is read, under the name that its option has', async () => {
  const text = `default: work
notebooks:
  work:
    destination: me@gpu
    directory: rne
    setup:
      - module load python
      - export X='a b'
    environment: venv
    command: jupyter lab
    port: 9000
    local-port: 9001
    socket: true
    strict-port: true
  "2": { destination: other }
`;
  assert.deepEqual(await parseConfiguration(text, file), {
    default: 'work',
    notebooks: {
      2: { destination: 'other' },
      work: {
        destination: 'me@gpu',
        directory: 'rne',
        setup: ['module load python', "export X='a b'"],
        environment: 'venv',
        command: 'jupyter lab',
        port: 9000,
        'local-port': 9001,
        socket: true,
        'strict-port': true,
      },
    },
  });
});

/** What stands in the file, and what is said of it behind its name. */
const MISTAKES: readonly (readonly [text: string, message: string])[] = [
  ['default: [\n', ':2: '],
  ['- work\n', ': the file is a list, but a mapping is expected'],
  ['just text\n', ': the file is "just text", but a mapping is expected'],
  ['notebooks:\n  - work\n', ':1: notebooks is a list, but a mapping is expected'],
  ['notebooks:\n  work: gpu\n', ':2: notebooks.work is "gpu", but a mapping is expected'],
  ['notebooks:\n  work: {}\n', ':2: notebooks.work.destination is missing'],
  ['notebooks:\n  work:\n    destination: gpu\n    port: 0\n', ':4: notebooks.work.port is 0, but a whole'],
  [
    'notebooks:\n  work:\n    destination: gpu\n    port: "1"\n',
    ':4: notebooks.work.port is "1", but a number',
  ],
  ['notebooks:\n  work:\n    destination: gpu\n    Port: 1\n', ':4: notebooks.work.Port is unknown'],
  ['notebooks:\n  work:\n    destination: gpu\nnotes: x\n', ':4: notes is unknown'],
  [
    'notebooks:\n  work: { destination: gpu, ssh-config: lab.conf }\n',
    ':2: notebooks.work: ssh-config is "lab.conf", which means another file in each folder',
  ],
  [
    'notebooks:\n  work:\n    destination: gpu\n    setup: module load x\n',
    ':4: notebooks.work.setup is "module load x", but a list of lines is expected',
  ],
  [
    'notebooks:\n  work:\n    destination: gpu\n    setup: [1]\n',
    ':4: notebooks.work.setup.0 is 1, but a string is expected',
  ],
  [
    'notebooks:\n  work:\n    destination: gpu\n    environment: "mamba:ml"\n',
    ':2: notebooks.work: the environment "mamba:ml" is none that is known',
  ],
  ['notebooks:\n  work:\n    destination: -oX\n', ':2: notebooks.work: the destination "-oX" begins'],
  ['notebooks:\n  a/b:\n    destination: gpu\n', ':2: notebooks.a/b: "a/b" cannot be'],
  ['default: toString\nnotebooks:\n  work: { destination: gpu }\n', ': default names "toString"'],
  ['default: play\nnotebooks:\n  work: { destination: gpu }\n', ': default names "play"'],
];

for (const [text, message] of MISTAKES) {
  test(`the file says what is wrong and where: ${message.replace(/^[:\d ]+/, '') || 'broken YAML'}`, async () => {
    await assert.rejects(parseConfiguration(text, '/config.yaml'), (error: Error) => {
      assert.equal(error.message.slice(0, `/config.yaml${message}`.length), `/config.yaml${message}`);
      return true;
    });
  });
}

test('the first notebook that is saved makes the file, for its owner alone', async () => {
  await saveNotebook(file, 'work', { destination: 'gpu', directory: '', setup: [], port: 8889 });
  assert.equal(readFileSync(file, 'utf8'), 'notebooks:\n  work:\n    destination: gpu\n    port: 8889\n');
  assert.deepEqual([statSync(file).mode & 0o777, statSync(join(folder, 'new')).mode & 0o777], [0o600, 0o700]);
});

test('saving keeps every comment and every other notebook as it stands', async () => {
  file = join(folder, 'config.yaml');
  const text = `# My notebooks. Ask Ada before you change the port.
default: work   # what I mean

notebooks: # mine

  # the big one
  work: # by day
    # for now
    destination: gpu # in the cellar
    directory: "rne"
    setup: # in this order
      - module load python # 3.11
  play: { destination: other }
`;
  writeFileSync(file, text);
  await saveNotebook(file, 'new', { destination: 'me@host', directory: "it's: #1" });
  const added = `  new:\n    destination: me@host\n    directory: "it's: #1"\n`;
  assert.equal(readFileSync(file, 'utf8'), text.replace('work   #', 'work #') + added);
  const { default: meant, notebooks } = await readConfiguration(file);
  assert.deepEqual(
    [meant, Object.keys(notebooks), notebooks.new],
    ['work', ['work', 'play', 'new'], { destination: 'me@host', directory: "it's: #1" }],
  );
});

test('a notebook that is saved again is replaced, and nothing else', async () => {
  await saveNotebook(file, 'a', { destination: 'first', port: 1 });
  await saveNotebook(file, 'b', { destination: 'second' });
  await saveNotebook(file, 'a', { destination: 'third' });
  assert.deepEqual((await readConfiguration(file)).notebooks, {
    a: { destination: 'third' },
    b: { destination: 'second' },
  });
});

test('nothing is saved into a file that is broken', async () => {
  file = join(folder, 'config.yaml');
  writeFileSync(file, 'notebooks: [\n');
  await assert.rejects(saveNotebook(file, 'a', { destination: 'gpu' }), /config\.yaml:2: /);
  assert.equal(readFileSync(file, 'utf8'), 'notebooks: [\n');
});
