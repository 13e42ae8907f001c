import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeExample } from '../../scripts/demo/example.ts';
import { worldPerFile } from '../hosts/lasting.ts';
import { NO_CHROMIUM } from './chromium.ts';
import { seePlot } from './plot.ts';

const needsChromium = { skip: NO_CHROMIUM };

const world = await worldPerFile();

test('the page that start prints opens in a browser, and a cell draws its plot', needsChromium, async () => {
  writeExample(join(world.home, 'plots'));
  const { width, height } = await seePlot(world, 'plots');
  assert.ok(width > 400 && height > 200, `${width} x ${height}`);
});
