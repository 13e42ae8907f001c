import { main } from '../src/main.ts';

process.exitCode = await main(['init', ...process.argv.slice(3)]);
