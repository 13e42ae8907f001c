import { describe } from 'node:test';
import { debian13, NO_DEBIAN_13 } from '../hosts/debian13/debian13.ts';
import { passwordAgain, silentForEver, sshKilled } from '../hosts/losses.ts';
import { NO_ACCOUNTS, NO_ROOT } from '../hosts/needs.ts';
import { NO_JUPYTER_OF_TODAY, withToday } from '../hosts/today.ts';
import { NO_CHROMIUM } from './chromium.ts';
import { type Case, CLASSIC, describeLines, type Kind, LAB, NOTEBOOK_7 } from './lines.ts';

/** Two losses of a link with each kind of Jupyter. lines-lab.slow.test.ts has all losses. */

const NOTEBOOK_6: Kind = {
  name: 'notebook 6.4',
  skip: NO_ROOT || NO_CHROMIUM,
  command: 'jupyter notebook',
  options: () => ({}),
  page: CLASSIC,
};

const KINDS: readonly Kind[] = [
  NOTEBOOK_6,
  {
    name: 'Notebook 7',
    skip: NO_ROOT || NO_CHROMIUM || NO_JUPYTER_OF_TODAY,
    command: 'jupyter notebook',
    options: withToday,
    page: NOTEBOOK_7,
  },
  {
    name: 'the JupyterLab of Debian 13',
    skip: NO_DEBIAN_13 || NO_CHROMIUM,
    command: 'jupyter lab',
    options: debian13,
    page: LAB,
  },
];

const CASES: readonly Case[] = [
  { name: 'stays silent for ever', loss: silentForEver, lines: 600 },
  { name: 'loses its ssh', loss: sshKilled, lines: 600 },
];

// Each waits for most of its time, but a browser that opens a page needs a whole core.
describe('Jupyter', { concurrency: 3 }, () => {
  for (const kind of KINDS) describeLines(kind, CASES);
  describeLines({ ...NOTEBOOK_6, skip: NOTEBOOK_6.skip || NO_ACCOUNTS }, [
    { name: 'is lost until the user types a password', loss: passwordAgain, lines: 600 },
  ]);
});
