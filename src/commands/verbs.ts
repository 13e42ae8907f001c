import type { Verbs } from '../line/verb.ts';
import { aliases } from './aliases.ts';
import { clean } from './clean.ts';
import { completion } from './completion.ts';
import { config } from './config.ts';
import { console } from './console.ts';
import { doctor } from './doctor.ts';
import { fetch } from './fetch.ts';
import { forward } from './forward.ts';
import { hosts } from './hosts.ts';
import { init } from './init/init.ts';
import { logs } from './logs.ts';
import { open } from './open.ts';
import { report } from './report.ts';
import { restart } from './restart.ts';
import { run } from './run.ts';
import { runs } from './runs.ts';
import { start } from './start.ts';
import { status } from './status.ts';
import { stop } from './stop.ts';

/** All verbs, in the order of the help. */
export const VERBS: Verbs = {
  init,
  start,
  forward,
  open,
  status,
  stop,
  restart,
  logs,
  run,
  runs,
  fetch,
  console,
  doctor,
  report,
  hosts,
  config,
  clean,
  aliases,
  completion,
};
