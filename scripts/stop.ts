import { main } from '../src/main.ts';

process.exitCode = await main(['stop', ...process.argv.slice(3)]);
