import { main } from '../src/main.ts';

process.exitCode = await main(['completion', ...process.argv.slice(3)]);
