#!/usr/bin/env node
import { enableCompileCache } from './system/compile-cache.ts';

enableCompileCache(process.env);
void import('./main.ts')
  .then(({ main }) => main(process.argv.slice(2)))
  .then((status) => {
    process.exitCode = status;
  });
