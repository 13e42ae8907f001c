import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';
import { Links } from '../../src/keeper/links/links.ts';
import { writeProgram } from '../hosts/stand-ins.ts';
import { makeFolder } from '../hosts/standing.ts';
import { eventually } from '../hosts/world.ts';

test('links that are closed while ssh reads its configuration begin no login afterwards', async () => {
  const folder = makeFolder('rn-links-');
  const [asked, go, begun] = [join(folder, 'asked'), join(folder, 'go'), join(folder, 'begun')];
  writeProgram(
    join(folder, 'ssh'),
    `case " $* " in *" -G "*) : >'${asked}'; until [ -e '${go}' ]; do sleep 0.01; done ;; *) : >'${begun}' ;; esac`,
  );
  process.env.PATH = `${folder}${delimiter}${process.env.PATH}`;
  const connection = {
    destination: 'x.invalid',
    sshConfig: undefined,
    folder,
    controlPath: join(folder, 'control'),
  };
  const nothing = () => {};
  const links = new Links(connection, process.env, {
    connected: nothing,
    woke: nothing,
    changed: nothing,
    event: nothing,
  });
  void links.tryNow();
  await eventually('ssh is asked for its configuration', () => existsSync(asked));
  await links.close();
  writeFileSync(go, '');
  await eventually('no ssh runs', () => !process.getActiveResourcesInfo().includes('ProcessWrap'));
  assert.equal(existsSync(begun), false);
});
