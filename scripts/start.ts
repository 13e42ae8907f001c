import { main } from '../src/main.ts';

process.exitCode = await main(['start', ...process.argv.slice(3)]);
