import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { singleQuoted } from '../../src/system/command.ts';
import { missing } from '../hosts/needs.ts';

/** Which job a submission has made, by what the command prints that submits it, in each shell that may be a host's /bin/sh. */

const PARTS = [
  'parts/report',
  'parts/processes',
  'parts/record',
  'parts/variables',
  'launchers/direct',
  'parts/detached',
];
const parts = [...PARTS, 'jobs/submit', 'jobs/await']
  .map((name) =>
    readFileSync(fileURLToPath(new URL(`../../src/host/sh/${name}.sh`, import.meta.url)), 'utf8'),
  )
  .join('\n');

const PRINTED = [
  ['17\n', '17'],
  ['17;oak\n', '17'],
  ['Welcome to 2 clusters\n17;oak\n2 jobs are left to you today\n', '17'],
  ['2 jobs are left to you today\n', undefined],
  ['', undefined],
] as const;

/** What a function of a part prints. */
function printed(part: string, command: string, env: NodeJS.ProcessEnv = {}): string {
  const file = fileURLToPath(new URL(`../../src/host/sh/${part}.sh`, import.meta.url));
  return spawnSync('sh', ['-c', `. "$1"; ${command}`, 'sh', file], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, ...env },
  }).stdout;
}

test('the log of a job has the path of its folder, unless the scheduler would read something else into it', () => {
  const path = (text: string) => printed('launchers/gridengine', `gridengine_path ${singleQuoted(text)}`);
  assert.equal(path('/home/a b/job.log'), '/home/a b/job.log\n');
  for (const text of ['/home/a:b/job.log', '/home/a,b/job.log', '/home/$USER/job.log'])
    assert.equal(path(text), '/dev/null\n');
  assert.equal(printed('launchers/slurm', "slurm_path '/home/50%/job.log'"), '/home/50%%/job.log\n');
});

test('variables with which a user changes what the commands of Slurm do are forgotten, but not where Slurm is', () => {
  const env = { SQUEUE_FORMAT: '%i', SBATCH_HOLD: '1', SLURM_CLUSTERS: 'other', SRUN_DEBUG: '1' };
  const kept = { SLURM_CONF: '/etc/slurm.conf', SLURM_JWT: 'x', SBATCH_ACCOUNT: 'lab', SLURMS: 'x' };
  const shown = printed('launchers/slurm', 'slurm_forget; env', { ...env, ...kept }).split('\n');
  assert.deepEqual(shown.filter((line) => /^S[A-Z]*_|^SLURMS/.test(line)).sort(), [
    'SBATCH_ACCOUNT=lab',
    'SLURMS=x',
    'SLURM_CONF=/etc/slurm.conf',
    'SLURM_JWT=x',
  ]);
});

for (const [shell, ...options] of [['dash'], ['bash', '--posix'], ['busybox', 'sh']] as const) {
  test(`the ID of a job is a line of its own, whatever else a site prints: no other job is taken for it (${shell})`, {
    skip: missing(shell),
  }, () => {
    for (const [printed, id] of PRINTED) {
      const folder = mkdtempSync(join(tmpdir(), 'rn-submit-'));
      const variables = {
        folder,
        submit: `printf %s ${singleQuoted(printed)}`,
        ...{ scheduler: 'site', site_tools: '', job_script: '', launch: 'id', name: 'work', directory: '' },
        ...{ from: '', here: '/', origin: 'id', environment: '' },
      };
      const lines = Object.entries(variables).map(([key, value]) => `${key}=${singleQuoted(value)}`);
      const input = `first_line=$$\n${lines.join('\n')}\n${parts}\nsubmit_job keep_job\n`;
      const { stdout } = spawnSync(shell, options, { input, encoding: 'utf8' });
      const record = id === undefined ? '' : readFileSync(join(folder, 'record'), 'utf8');
      assert.equal(/^job site (.*)$/m.exec(record)?.[1], id, stdout);
      assert.equal(/^@remote-notebook failed refused site$/m.test(stdout), id === undefined, stdout);
      rmSync(folder, { recursive: true });
    }
  });
}
