import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { askJupyter, type Shown, serverRecord } from './servers.ts';
import { eventually, type Laptop, type World } from './world.ts';

/** A kernel as Jupyter's API reports it. */
export interface ApiKernel {
  readonly id: string;
  readonly execution_state: string;
}

/** Opens the session of a notebook on a server, as its page does, and returns the id of its kernel. */
export async function openSession(
  laptop: Laptop,
  { name, tunnel }: Shown,
  path: string,
  kernel = 'python3',
): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${tunnel.localPort}/api/sessions`, {
    method: 'POST',
    headers: {
      Authorization: `token ${serverRecord(laptop, name).token}`,
      'Content-Type': 'application/json',
    },
    body: JSON.stringify({ path, name: path, type: 'notebook', kernel: { name: kernel } }),
  });
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  return ((await answer.json()) as { kernel: { id: string } }).kernel.id;
}

/** Jupyter's own client, which waits for the kernel and sends it a cell. */
const EXECUTE = `import sys
from jupyter_client import BlockingKernelClient
client = BlockingKernelClient()
client.load_connection_file(sys.argv[1])
client.start_channels(hb=False)
client.wait_for_ready(timeout=60)
client.execute(sys.argv[2])
while client.get_iopub_msg(timeout=60)['msg_type'] != 'execute_input': pass
`;

/**
 * Runs code in a kernel on the test host, and returns when the kernel has begun to run it.
 * @param runtime the folder of the runtime files of its server
 */
export function execute(
  world: World,
  kernel: string,
  code: string,
  runtime = join(world.home, '.local', 'share', 'jupyter', 'runtime'),
): void {
  const file = join(runtime, `kernel-${kernel}.json`);
  const { status, stderr } = spawnSync(jupyterPython(), ['-c', EXECUTE, file, code], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}

/** Makes a kernel busy until it is ended, and waits until its server reports that. */
export async function makeBusy(world: World, laptop: Laptop, shown: Shown, kernel: string): Promise<void> {
  execute(world, kernel, 'import time\nwhile True: time.sleep(0.1)');
  const { token } = serverRecord(laptop, shown.name);
  await eventually('the kernel is busy', async () => {
    const kernels = await askJupyter<ApiKernel[]>(shown.tunnel.localPort, token, '/api/kernels');
    return kernels.some(({ id, execution_state }) => id === kernel && execution_state === 'busy');
  });
}

/** The Python that runs Jupyter, from the first line of its command. */
function jupyterPython(): string {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    try {
      const [, python] = /^#!\s*(\S+)/.exec(readFileSync(join(folder, 'jupyter'), 'utf8')) ?? [];
      if (python) return python;
    } catch {}
  }
  return 'python3';
}
