import assert from 'node:assert/strict';
import { test } from 'node:test';
import { launchedOn } from '../../src/article/commands.ts';

const PS = `noise of a start-up file
  100     1  2-03:00:00 /usr/bin/python3 /usr/bin/jupyter-notebook --no-browser --port=8889
  200     1       00:02 zsh -c cd rne; jupyter notebook --no-browser --port=8889
  201   200       00:02 /usr/bin/python3 /usr/bin/jupyter-notebook --no-browser --port=8889
  202   201       00:01 /usr/bin/python3 -m ipykernel_launcher -f x.json
  300     1       00:01 /usr/bin/python3 /usr/bin/jupyter-notebook --no-browser --port=88890
  301     1       00:01 vim --port=8889
`;

test('a new process is found with its shell; an older one, or one on another port, is not', () => {
  assert.deepEqual(launchedOn(8889, 3, PS), [[200, 201]]);
  assert.deepEqual(launchedOn(8889, 1, PS), []);
  assert.deepEqual(launchedOn(88890, 3, PS), [[300]]);
  assert.deepEqual(launchedOn(8889, 200_000, PS), [[100], [200, 201]]);
});

test('two processes that were started at once are listed separately', () => {
  const both = `${PS}400 1 00:00 bash -c jupyter notebook --no-browser --port=8889\n`;
  assert.deepEqual(launchedOn(8889, 3, both), [[200, 201], [400]]);
});
