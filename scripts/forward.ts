import { main } from '../src/main.ts';

process.exitCode = await main(['forward', ...process.argv.slice(3)]);
