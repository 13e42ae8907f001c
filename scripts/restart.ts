import { main } from '../src/main.ts';

process.exitCode = await main(['restart', ...process.argv.slice(3)]);
