import { main } from '../src/main.ts';

process.exitCode = await main(['aliases', ...process.argv.slice(3)]);
