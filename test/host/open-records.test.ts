import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { failure } from '../hosts/failure.ts';
import { worldPerFile } from '../hosts/lasting.ts';
import { NO_ROOT } from '../hosts/needs.ts';
import { done, started } from '../hosts/servers.ts';
import { ports } from '../hosts/sshd.ts';

/** The folder of the records on a host, which has files that are run there, and other users of that host. */

const world = await worldPerFile();
const { laptop, home } = world;
const states = join(home, '.local/state');
const records = join(states, 'remote-notebook');
for (const [what, open] of [
  ['everybody can write', () => chmodSync(join(records, 'servers'), 0o777)],
  ['a group can write', () => chmodSync(records, 0o770)],
  ['everybody can replace', () => chmodSync(states, 0o777)],
  ['belongs to another user', NO_ROOT ? undefined : () => chownSync(records, 12_345, 12_345)],
] as const) {
  test(`nothing is run from a folder of records that ${what}`, { skip: !open && NO_ROOT }, async () => {
    rmSync(states, { recursive: true, force: true });
    mkdirSync(join(records, 'servers'), { recursive: true, mode: 0o700 });
    open?.();
    assert.match(
      await failure(world, 'loopback'),
      /^Error: other users can change the folder of your servers' records on loopback \(HOME\/\.local\/state\/remote-notebook\/servers\), so they could run commands as you\nCheck its contents, then run: ssh loopback chmod -R go-w HOME\/\.local\/state\/remote-notebook\n/,
    );
    rmSync(states, { recursive: true });
  });
}

test('a folder above the records that a group can write, as many systems make it, is fine', async () => {
  mkdirSync(states, { recursive: true });
  chmodSync(states, 0o775);
  await started(laptop, '--no-browser', ...(await ports()));
  await done(laptop, 'stop', '--yes');
});
