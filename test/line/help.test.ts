import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { VERBS } from '../../src/commands/verbs.ts';
import { worldFor } from '../hosts/lasting.ts';
import { missing } from '../hosts/needs.ts';
import { done, started } from '../hosts/servers.ts';
import { makeFolder } from '../hosts/standing.ts';
import { shownOn } from '../hosts/terminal.ts';
import { type Laptop, makeLaptop, PROGRAM } from '../hosts/world.ts';

let folder: string;
let laptop: Laptop;
before(() => {
  folder = makeFolder('rn-help-');
  laptop = makeLaptop(folder, 'none', 'none');
});

test('without arguments the command shows six lines for a new user, and succeeds', async () => {
  const { code, stdout, stderr } = await laptop.run();
  assert.deepEqual([code, stderr], [0, '']);
  const [first, empty, ...lines] = stdout.trimEnd().split('\n');
  assert.equal(first, 'Jupyter on any machine that you can ssh to, as if it were local.');
  assert.equal(empty, '');
  assert.equal(lines.length, 6);
  for (const line of lines) assert.match(line, /^ {2}remote-notebook \S.* {2,}\S/);
});

test('without arguments the command also shows the running servers, as status does', async (context) => {
  const world = await worldFor(context);
  await started(world.laptop);
  const { code, stdout } = await world.laptop.run();
  assert.equal(code, 0);
  assert.match(stdout, /\n\nNAME +SERVER .*\nloopback +running \d+ ms +connected/);
  await done(world.laptop, 'stop');
  assert.doesNotMatch((await world.laptop.run()).stdout, /NAME/);
});

for (const [name, { examples, summary }] of Object.entries(VERBS)) {
  test(`${name} --help has a summary, and examples with options that exist`, async () => {
    const help = await done(laptop, name, '--help');
    assert.ok(help.includes(summary), help);
    assert.ok(examples.length >= 2);
    // A long example is shown in two columns of several lines.
    const shows = (text: string) => text.split(' ').every((word) => help.includes(word));
    const candidates = (await done(laptop, 'completion', '--words', name, '-')).split('\n');
    const options = candidates.map((line) => line.split('\t')[0]);
    for (const [command, does] of examples) {
      assert.ok(shows(command.replace('$0', 'remote-notebook')) && shows(does), `${command}\n${help}`);
      assert.equal(command.split(' ')[1], name);
      for (const [option] of command.matchAll(/--[\w-]+/g)) assert.ok(options.includes(option), command);
    }
  });
}

test('help is as wide as the terminal, but at most 100 columns', { skip: missing('python3') }, async () => {
  const width = (lines: readonly string[]) => Math.max(...lines.map((line) => line.length));
  const widthOn = async (cols: number) =>
    width(await shownOn(cols, [...PROGRAM, 'start', '--help'], laptop.env));
  const inPipe = width((await done(laptop, 'start', '--help')).split('\n'));
  const [narrow, middle, wide] = [await widthOn(70), await widthOn(95), await widthOn(300)];
  assert.ok(
    narrow <= 70 && middle > 80 && middle <= 95 && wide > 95 && wide <= 100,
    `${[narrow, middle, wide]}`,
  );
  assert.ok(inPipe > 70 && inPipe <= 80, `${inPipe}`);
});

test('--help lists every verb, and fits in 80 columns and 30 lines', async () => {
  const lines = (await done(laptop, '--help')).trimEnd().split('\n');
  for (const name of Object.keys(VERBS))
    assert.ok(
      lines.some((line) => line.startsWith(`  ${name} `)),
      name,
    );
  assert.ok(lines.length <= 30);
  assert.deepEqual(
    lines.filter((line) => line.length > 80),
    [],
  );
});

test('the help of a verb shows its own options first, and no types or defaults', async () => {
  const help = await done(laptop, 'start', '--help');
  const headings = [...help.matchAll(/^(\w.*):$/gm)].map(([, heading]) => heading);
  const before = ['Positionals', 'Where', 'What', 'How', 'In a batch job', 'Other'];
  const all = [...before, 'Options of every verb', 'Examples'];
  assert.deepEqual(headings, all);
  assert.doesNotMatch(help, /\[boolean\]|\[default/);
});

test('help VERB is the same as VERB --help, and help the same as --help', async () => {
  assert.equal(await done(laptop, 'help', 'logs'), await done(laptop, 'logs', '--help'));
  assert.equal(await done(laptop, 'help'), await done(laptop, '--help'));
});

test('the manual page lists every verb and option, and mandoc reports no problem', {
  skip: missing('mandoc'),
}, () => {
  const page = fileURLToPath(new URL('../../dist/remote-notebook.1', import.meta.url));
  const { status, stdout } = spawnSync('mandoc', ['-Tlint', '-Wwarning', page], { encoding: 'utf8' });
  assert.deepEqual([status, stdout], [0, '']);
  // A bold letter is printed twice.
  const text = execFileSync('mandoc', ['-Owidth=200', page], { encoding: 'utf8' }).replace(/.\x08/g, '');
  for (const [name, { options, examples }] of Object.entries(VERBS)) {
    assert.match(text, new RegExp(`^ {3}${name}\\b`, 'm'));
    for (const option of Object.keys(options)) assert.match(text, new RegExp(`-(no-)?${option}\\b`));
    for (const [command] of examples) assert.ok(text.includes(command.replace('$0 ', '')), command);
  }
});
