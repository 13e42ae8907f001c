import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeKept, keepsOutputIn } from '../../src/jupyter/closed-page.ts';

const NBMODEL = '@datalayer/jupyter-server-nbmodel';
const SHARED = '@jupyter/docprovider-extension';

/** The page of a JupyterLab 4.6 with these extensions, as far as it matters. */
function page(names: readonly string[], disableRTC?: boolean): string {
  const federated_extensions = ['jupyterlab_pygments', ...names].map((name) => ({
    name,
    load: 'static/x.js',
  }));
  const config = JSON.stringify({ appName: 'JupyterLab', disableRTC, federated_extensions }, null, 2);
  return `<body>\n  <script id="jupyter-config-data" type="application/json">${config}</script>\n  <script>main()</script>`;
}

const PAGES: readonly (readonly [string, string, boolean])[] = [
  ['both extensions and its server part', page([NBMODEL, SHARED], false), true],
  ['a collaboration that the user has disabled', page([NBMODEL, SHARED], true), false],
  ['jupyter-server-nbmodel without [lab]', page([NBMODEL]), false],
  ['jupyter-collaboration alone', page([SHARED], false), false],
  ['no extension', page([]), false],
  ['no configuration, as in notebook 6', '<body data-base-url="/">', false],
  ['a configuration that cannot be read', page([]).replace('{', '['), false],
];

for (const [what, text, isKept] of PAGES)
  test(`a page with ${what} ${isKept ? 'keeps' : 'does not keep'} what cells print without a page`, () => {
    assert.equal(keepsOutputIn(text), isKept);
  });

test('an adopted server keeps output only as long as its own configuration allows', () => {
  assert.match(describeKept(true), /^What cells print is kept while no page is open, .*60 s/);
  assert.equal(describeKept(false), 'What cells print is kept while no page is open.');
});
