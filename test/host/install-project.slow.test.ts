import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { worldFor } from '../hosts/lasting.ts';
import { NO_JUPYTER_OF_TODAY, optionsOfToday, programOfToday } from '../hosts/today.ts';
import { nothingIsLeft } from '../hosts/traces.ts';

test('two laptops that install in one directory at the same time make one venv, and reach one server', {
  skip: NO_JUPYTER_OF_TODAY,
}, async (context) => {
  const world = await worldFor(context, optionsOfToday());
  for (const folder of ['work', '.local/bin']) mkdirSync(join(world.home, folder), { recursive: true });
  symlinkSync(programOfToday('uv'), join(world.home, '.local/bin/uv'));
  const laptops = [world.laptop, world.anotherLaptop()];
  const words = ['start', 'loopback', '{F}', '--no-browser', '-d', 'work', '--install'];
  const ended = await Promise.all(laptops.map((laptop) => laptop.run(...words)));
  const outputs = ended.map(({ code, stderr }) => {
    assert.equal(code, 0, stderr);
    return stderr;
  });
  assert.equal(outputs.filter((text) => text.includes('! installed jupyterlab ipykernel in ')).length, 1);
  assert.equal(outputs.filter((text) => text.includes('are already installed in ')).length, 1);
  assert.equal(outputs.filter((text) => text.includes('was already running')).length, 1);
  assert.equal((await world.laptop.run('stop', '--yes')).code, 0);
  assert.equal((await (laptops[1] ?? world.laptop).run('stop', '--yes')).code, 0);
  await nothingIsLeft(world);
});

test('--requirements also installs the project of pyproject.toml, with its dependencies', {
  skip: NO_JUPYTER_OF_TODAY,
}, async (context) => {
  const { laptop, home } = await worldFor(context, optionsOfToday());
  const folder = join(home, 'project');
  for (const path of [folder, join(home, '.local/bin')]) mkdirSync(path, { recursive: true });
  symlinkSync(programOfToday('uv'), join(home, '.local/bin/uv'));
  const project = '[project]\nname = "own"\nversion = "1"\ndependencies = ["six"]\n';
  writeFileSync(join(folder, 'pyproject.toml'), project);
  writeFileSync(join(folder, 'own.py'), 'import six');
  const words = ['start', 'loopback', '{F}', '--no-browser', '-d', 'project', '--install', '--requirements'];
  const { code, stderr } = await laptop.run(...words);
  assert.equal(code, 0, stderr);
  assert.ok(stderr.includes(`! installed jupyterlab ipykernel -e . in ${folder}/.venv\n`), stderr);
  execFileSync(join(folder, '.venv/bin/python'), ['-I', '-c', 'import own']);
});
