import { main } from '../src/main.ts';

process.exitCode = await main(['open', ...process.argv.slice(3)]);
