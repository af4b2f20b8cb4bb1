import { readdirSync } from 'node:fs';

// All files in one process: each process would spend seconds on loading the schemas against which
// every synthesis checks its template, and node:test before Node 22 starts one for each file.
for (const name of readdirSync(import.meta.dirname).sort()) {
  if (name.endsWith('.test.ts')) {
    await import(`./${name}`);
  }
}
