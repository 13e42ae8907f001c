import { main } from '../src/main.ts';

process.exitCode = await main(['status', ...process.argv.slice(3)]);
