import { describe } from 'node:test';
import { asleepFor, silentFor, silentForEver, slowLogin, sshKilled } from '../hosts/losses.ts';
import { NO_ROOT } from '../hosts/needs.ts';
import { NO_JUPYTER_OF_TODAY, withToday } from '../hosts/today.ts';
import { NO_CHROMIUM } from './chromium.ts';
import { type Case, describeLines, LAB } from './lines.ts';

/** Each loss of a link with the JupyterLab of today. */

const KIND = {
  name: 'JupyterLab',
  skip: NO_ROOT || NO_CHROMIUM || NO_JUPYTER_OF_TODAY,
  command: 'jupyter lab',
  options: withToday,
  page: LAB,
};

const CASES: readonly Case[] = [
  // The longest begins first.
  { name: 'is silent for five minutes', loss: silentFor(300), lines: 3600 },
  { name: 'stays silent for ever', loss: silentForEver, lines: 600 },
  { name: 'is silent for 20 s', loss: silentFor(20), lines: 600 },
  { name: 'loses its ssh', loss: sshKilled, lines: 600 },
  { name: 'is away while the laptop sleeps for 60 s', loss: asleepFor(60), lines: 600 },
  { name: 'needs a login that takes 60 s', loss: slowLogin(60), lines: 600 },
];

describe('the newest Jupyter', { concurrency: 3 }, () => describeLines(KIND, CASES));
