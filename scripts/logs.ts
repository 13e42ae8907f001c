import { main } from '../src/main.ts';

process.exitCode = await main(['logs', ...process.argv.slice(3)]);
