import { main } from '../src/main.ts';

process.exitCode = await main(['config', ...process.argv.slice(3)]);
