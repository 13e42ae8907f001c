// `make demo`: a server behind a real ssh tunnel, on this machine alone; `make demo-stop` ends it.
import { endAllDemos } from './demo/end.ts';
import { runDemo } from './demo/run.ts';

process.exitCode = process.argv.at(-1) === 'stop' ? await endAllDemos() : await runDemo();
