import { main } from '../src/main.ts';

process.exitCode = await main(['hosts', ...process.argv.slice(3)]);
