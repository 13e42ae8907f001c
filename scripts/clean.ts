import { main } from '../src/main.ts';

process.exitCode = await main(['clean', ...process.argv.slice(3)]);
