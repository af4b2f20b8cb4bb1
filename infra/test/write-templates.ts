import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { VARIANT_NAMES, variantTemplate } from './variants.ts';

// The templates of all variants, for linters that read files: `write-templates.ts FOLDER`.
const [folder] = process.argv.slice(2);
if (folder === undefined) {
  throw new Error('name the folder for the templates');
}
mkdirSync(folder, { recursive: true });
for (const variant of VARIANT_NAMES) {
  writeFileSync(
    join(folder, `${variant}.template.json`),
    JSON.stringify(variantTemplate(variant).toJSON(), null, 1),
  );
}
