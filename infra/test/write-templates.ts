import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asText, type TemplateResource } from './support.ts';
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
    JSON.stringify(withReadableDefinitions(variantTemplate(variant).toJSON()), null, 1),
  );
}

/** cfn-lint reads a state machine's definition where it is a text, and passes over one that is joined. */
function withReadableDefinitions(template: Record<string, unknown>): object {
  const resources = Object.entries(template.Resources as Record<string, TemplateResource>);
  return {
    ...template,
    Resources: Object.fromEntries(
      resources.map(([id, resource]) => {
        const { Properties, Type } = resource;
        if (Type !== 'AWS::StepFunctions::StateMachine' || Properties === undefined) {
          return [id, resource];
        }
        const definition = asText(Properties.DefinitionString);
        const DefinitionString = definition.replaceAll('${AWS::Partition}', 'aws');
        return [id, { ...resource, Properties: { ...Properties, DefinitionString } }];
      }),
    ),
  };
}
