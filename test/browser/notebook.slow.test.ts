import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeExample } from '../../scripts/demo/example.ts';
import { worldPerFile } from '../hosts/lasting.ts';
import { freePort } from '../hosts/sshd.ts';
import { NO_CHROMIUM } from './chromium.ts';
import { seePlot } from './plot.ts';

const needsChromium = { skip: NO_CHROMIUM };

const world = await worldPerFile();

test('a cell of a server on a port also draws its plot, over a websocket', needsChromium, async () => {
  writeExample(join(world.home, 'port'));
  const { width, height } = await seePlot(world, 'port', '--port', String(await freePort()));
  assert.ok(width > 400 && height > 200, `${width} x ${height}`);
});

test('the example draws its plot even without matplotlib', needsChromium, async () => {
  writeExample(join(world.home, 'plain'));
  writeFileSync(join(world.home, 'plain', 'matplotlib.py'), 'raise ImportError("not here")\n');
  assert.deepEqual(await seePlot(world, 'plain'), { width: 720, height: 300 });
});
