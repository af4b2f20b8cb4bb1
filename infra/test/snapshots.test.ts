import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { VARIANT_NAMES, variantTemplate } from './variants.ts';
import { whatMatters } from './what-matters.ts';

const FOLDER = join(import.meta.dirname, 'snapshots');

/** `npm run snapshots` sets it, after which git shows what has changed. */
const UPDATE = process.env.UPDATE_SNAPSHOTS === '1';

describe('what matters of each variant', () => {
  for (const variant of VARIANT_NAMES) {
    it(`is as it was: ${variant}`, () => {
      const path = join(FOLDER, `${variant}.txt`);
      const now = whatMatters(variantTemplate(variant));
      if (UPDATE) {
        mkdirSync(FOLDER, { recursive: true });
        writeFileSync(path, now);
      }
      const hint = 'if that is meant to be so, run "npm run snapshots" and look at the difference';
      assert(existsSync(path), `${path} is missing: ${hint}`);
      assert.equal(now, readFileSync(path, 'utf8'), hint);
    });
  }

  it('is kept of no variant that there is not', () => {
    const names = readdirSync(FOLDER).map((name) => name.replace(/\.txt$/, ''));
    assert.deepEqual(names.sort(), [...VARIANT_NAMES].sort());
  });
});
