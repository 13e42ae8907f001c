import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, relative } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { PAGE, reference } from '../scripts/reference.ts';
import { type ByHand, startByHand } from './hosts/by-hand.ts';
import { freePort } from './hosts/sshd.ts';
import { makeFolder } from './hosts/standing.ts';
import { makeVenv } from './hosts/venv.ts';
import { type Laptop, makeWorld, PROGRAM, type World } from './hosts/world.ts';
import { RELIABILITY, ROWS, reliability } from './reliability.ts';

/** The commands and examples in README and docs work as written. */

const root = fileURLToPath(new URL('..', import.meta.url));
const docs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' });
const pages = ['README.md', ...docs.filter((name) => name.endsWith('.md')).map((name) => join('docs', name))];
const textOf = (page: string) => readFileSync(join(root, page), 'utf8');

interface Block {
  readonly lines: readonly string[];
  /** Why its commands are not run here, if the page says so above it. */
  readonly notRun: string | undefined;
}

/** The code blocks in this language, without comments. */
function blocks(page: string, language: string): Block[] {
  const fences = textOf(page).matchAll(
    new RegExp(`(?:<!-- not run: ([^>]+) -->\\n)?^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'),
  );
  return [...fences].map(([, notRun, text = '']) => ({
    notRun,
    lines: text
      .trimEnd()
      .split('\n')
      .map((line) => line.replace(/ +#.*$/, ''))
      .filter((line) => line !== ''),
  }));
}

let world: World;
let folder: string;
let sshConfig: string;
/** A Jupyter of the user's that this program has not started, as --adopt needs one. */
let other: ByHand;
before(async () => {
  world = await makeWorld();
  folder = makeFolder('rn-docs-');
  const shim = `#!/bin/sh\nexec ${PROGRAM.map((word) => `'${word}'`).join(' ')} "$@"\n`;
  writeFileSync(join(folder, 'remote-notebook'), shim, { mode: 0o755 });
  // The host by the name that the pages give it, and what they have on it.
  sshConfig = join(folder, 'ssh_config');
  writeFileSync(sshConfig, readFileSync(world.sshd.sshConfig, 'utf8').replace('Host loopback', 'Host gpu'));
  mkdirSync(join(world.home, 'rne', 'plots'), { recursive: true });
  const notebook = { cells: [], metadata: {}, nbformat: 4, nbformat_minor: 4 };
  writeFileSync(join(world.home, 'rne', 'plots', 'first.ipynb'), JSON.stringify(notebook));
  for (const name of ['venv', 'virtual_environment']) makeVenv(join(world.home, 'rne', name));
  other = await startByHand(world, 'notebook', [`--port=${await freePort()}`]);
});
after(() => world.remove());

function shell(line: string, laptop: Laptop) {
  const PATH = [folder, process.env.PATH].join(delimiter);
  const env = { ...laptop.env, PATH, SHELL: '/bin/bash', BROWSER: 'true' };
  return spawnSync('bash', ['-c', line], { cwd: root, env, encoding: 'utf8' });
}

/** The same line with this host's ssh_config and free ports, and without questions. */
function runnable(line: string, ports: Readonly<Record<string, string>>): string {
  const here = Object.entries(ports).reduce((text, [port, free]) => text.replaceAll(port, free), line);
  const file = `-F '${sshConfig}'`;
  if (line.startsWith('make start')) return `${here} SSH_CONFIG='${sshConfig}' ARGS=--no-browser`;
  if (/ init$/.test(line)) return `${here} gpu ${file} --name first --no-browser --yes`;
  if (/(start\.ts| start| doctor| hosts| aliases gpu)( |$)|status gpu --all/.test(line))
    return `${here} ${file}${/start/.test(line) ? ' --no-browser' : ''}`;
  return here.replace('0.0.0.0', '127.0.0.1');
}

/** Commands that other tests run, because they take minutes or would change this machine. */
const ELSEWHERE: readonly (readonly [RegExp, string])[] = [
  [
    /^make (demo|test|test-all|check|bench|pictures|build|package|wheel|executable|release)\b/,
    'below, as make -n',
  ],
  [/^npm install --global/, 'test/package.slow.test.ts'],
  [/^(uv tool|pipx) install|^xz /, 'test/packages'],
  [/^(nohup )?ssh /, 'below, and test/article'],
  [/^node --import tsx --test /, 'as this very test'],
];

for (const page of pages) {
  const lines = blocks(page, 'sh').flatMap((block) => (block.notRun ? [] : block.lines));
  const own = lines.filter((line) => !ELSEWHERE.some(([pattern]) => pattern.test(line)));
  if (own.length === 0) continue;
  test(`every command of ${page} succeeds in a real shell, against a real host`, async () => {
    const laptop = world.anotherLaptop();
    // The ports in the pages may be in use here.
    const ports = {
      '--adopt 8888': `--adopt ${other.port}`,
      6006: `${await freePort()}`,
      '8080:': `${await freePort()}:`,
    };
    try {
      for (const line of own) {
        const { status, stderr } = shell(runnable(line, ports), laptop);
        assert.equal(status, 0, `${line}\n${stderr}`);
      }
    } finally {
      shell('remote-notebook stop --all --yes', laptop);
    }
  });
}

test('each make target that a page names exists', () => {
  for (const page of pages) {
    for (const line of blocks(page, 'sh').flatMap((block) => block.lines)) {
      if (!/^make( |$)/.test(line)) continue;
      const { status, stderr } = spawnSync('make', ['-n', ...line.split(/\s+/).slice(1)], {
        cwd: root,
        encoding: 'utf8',
      });
      assert.equal(status, 0, `${page}: ${line}\n${stderr}`);
    }
  }
});

test('each config.yaml of the pages is valid', () => {
  const laptop = world.anotherLaptop();
  mkdirSync(dirname(laptop.configurationFile), { recursive: true });
  const texts = pages.flatMap((page) => [...textOf(page).matchAll(/^```yaml\n(.*?)^```/gms)]);
  assert.ok(texts.length >= 2);
  for (const [, text = ''] of texts) {
    writeFileSync(laptop.configurationFile, text);
    const { status, stderr } = shell('remote-notebook config check', laptop);
    assert.equal(status, 0, stderr);
  }
});

test("the pages show the article's commands exactly as the aliases contain them", () => {
  const words = 'username@remote_server_ip -d rne -e virtual_environment --plain --shell bash';
  const { stdout } = shell(`remote-notebook aliases ${words}`, world.laptop);
  for (const page of ['README.md', 'docs/article.md']) {
    const article = blocks(page, 'sh')
      .flatMap((block) => block.lines)
      .filter((line) => /^(nohup )?ssh /.test(line));
    assert.equal(article.length, 3);
    for (const line of article) assert.ok(stdout.includes(line), `${line}\n${stdout}`);
  }
});

test('the page of verbs is the help that the command prints (make reference writes it)', () => {
  assert.equal(readFileSync(PAGE, 'utf8'), reference());
});

test('the tables of what is kept are those of the tests (make reference writes them)', () => {
  assert.equal(readFileSync(RELIABILITY, 'utf8'), reliability());
});

test('each row of these tables is shown by a test that exists', () => {
  const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' });
  const tests = files.filter((name) => name.endsWith('.ts') && name !== 'reliability.ts');
  const texts = tests.map((name) => readFileSync(join(root, 'test', name), 'utf8'));
  for (const { cells, tests: names } of ROWS) {
    assert.ok(names.length > 0, cells[0]);
    for (const name of names) {
      // The end of the name of a test, which may begin with what varies.
      assert.ok(
        texts.some((text) => ["'", '"', '`'].some((quote) => text.includes(`${name}${quote}`))),
        `no test is called "${name}"`,
      );
    }
  }
});

test('README can be read in two minutes', () => {
  assert.ok(textOf('README.md').split('\n').length <= 180);
});

test('every link of the pages leads to an existing file or heading', () => {
  for (const page of pages) {
    const text = textOf(page);
    const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(
      ([, title = '']) => `#${title.toLowerCase().replaceAll(' ', '-')}`,
    );
    for (const [, link = ''] of text.matchAll(/\]\((?!https?:)([^)]+)\)/g)) {
      const path = relative(root, join(root, dirname(page), link.replace(/#.*/, '')));
      assert.ok(
        link.startsWith('#') ? headings.includes(link) : existsSync(join(root, path)),
        `${page}: ${link}`,
      );
    }
  }
});

test('the first sentence of each page of docs/ names its readers', () => {
  for (const page of pages.slice(1)) {
    assert.match(textOf(page), /^# .+\n\nThis page is for people who /, page);
  }
});
