// Runs the verb after which a script for zx is named: scripts/start.ts is `start`.
import { basename } from 'node:path';
import { main } from '../src/main.ts';

const [, , script = '', ...words] = process.argv;
process.exitCode = await main([basename(script, '.ts'), ...words]);
