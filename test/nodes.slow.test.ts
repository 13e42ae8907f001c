import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { worldPerFile } from './hosts/lasting.ts';
import { outside } from './hosts/needs.ts';
import { nodeOfVersion } from './hosts/nodes.ts';
import { installPackage, output, type Package, ROOT } from './hosts/package.ts';
import { liveAndDie } from './hosts/servers.ts';

/** Every version of Node in use, if npm can download it. */

const world = await worldPerFile();
let installed: Package;
before(() => {
  installed = installPackage(world.laptop.env);
  mkdirSync(join(world.home, 'work'));
});

for (const major of ['20', '22', '24', '26']) {
  test(`the installed command runs on Node ${major} from any folder, without other packages`, async (context) => {
    const node = nodeOfVersion(major, installed.folder);
    if (!node) return context.skip(outside(`npm does not fetch Node ${major}`));
    const way = { env: world.laptop.env, node };
    assert.equal(output([node, '--version'], way).split('.')[0], `v${major}`);
    const command = [node, join(installed.prefix, 'bin', 'remote-notebook')];
    await liveAndDie(world, (...words) => output([...command, ...words], way));
  });
}

test('npx zx scripts/VERB.ts starts, shows and stops a server under Node 22', async (context) => {
  const node = nodeOfVersion('22', installed.folder);
  if (!node) return context.skip(outside('npm does not fetch Node 22'));
  const way = { env: world.laptop.env, node, cwd: ROOT };
  await liveAndDie(world, (verb, ...words) => output(['npx', 'zx', `scripts/${verb}.ts`, ...words], way));
});
