import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { execute, openSession } from '../hosts/kernels.ts';
import { worldFor } from '../hosts/lasting.ts';
import { registryVenv } from '../hosts/registry-venv.ts';
import { started } from '../hosts/servers.ts';
import { ports } from '../hosts/sshd.ts';

/** The console of Jupyter, on the host, beside a notebook. */

const venv = registryVenv('console', ['jupyter-console', 'ipykernel', 'pexpect']);

/** Types a line when the console asks for the first one, and waits for text in its output. */
const TYPE = `import sys, pexpect
line, text, *words = sys.argv[1:]
console = pexpect.spawn(words[0], words[1:], timeout=60, encoding='utf8')
console.expect(r'In \\[')
console.sendline(line)
console.expect(text)
console.sendeof()
`;

test('jupyter console --existing on the host sees the variables of a notebook', {
  skip: venv.missing,
}, async (context) => {
  const world = await worldFor(context);
  const shown = await started(world.laptop, '--no-browser', ...(await ports()));
  const kernel = await openSession(world.laptop, shown, 'first.ipynb');
  execute(world, kernel, 'answer = 6 * 7');
  const program = (name: string) => join(venv.folder, 'bin', name);
  const words = [program('jupyter-console'), '--existing', `kernel-${kernel}.json`, '--simple-prompt'];
  const typed = spawnSync(program('python'), ['-c', TYPE, 'print("it is", answer)', 'it is 42', ...words], {
    env: { ...world.laptop.env, HOME: world.home },
    encoding: 'utf8',
  });
  assert.equal(typed.status, 0, typed.stderr);
});
