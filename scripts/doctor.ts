import { main } from '../src/main.ts';

process.exitCode = await main(['doctor', ...process.argv.slice(3)]);
