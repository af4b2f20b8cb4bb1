import { z } from 'zod';
import { apiSection } from './settings/api.ts';
import { backfillConflicts, backfillSection } from './settings/backfill.ts';
import { bedrockSection } from './settings/bedrock.ts';
import { catalogueSection, prefixConflicts } from './settings/catalogue.ts';
import { endpointSection, imageConflicts } from './settings/endpoint.ts';
import { functionSection } from './settings/function.ts';
import { stackSection } from './settings/stack.ts';
import { trainingConflicts, trainingSection } from './settings/training.ts';
import { uploadConflicts, uploadsSection } from './settings/uploads.ts';

export { hasGpu } from './settings/endpoint.ts';
export { SHORTEST_TURN_SECONDS } from './settings/uploads.ts';

const sections = z.strictObject({
  stack: stackSection,
  catalogue: catalogueSection,
  endpoint: endpointSection,
  function: functionSection,
  uploads: uploadsSection,
  bedrock: bedrockSection,
  api: apiSection,
  training: trainingSection,
  backfill: backfillSection,
});

/** What a deployment is made from; `config/default.json` holds every default. */
export type Settings = z.infer<typeof sections>;

/** The shape of {@link Settings} and the rules between its fields. */
export const settingsSchema = sections.superRefine((settings, context) => {
  for (const { path, message } of [
    ...prefixConflicts(settings),
    ...imageConflicts(settings),
    ...uploadConflicts(settings),
    ...trainingConflicts(settings),
    ...backfillConflicts(settings),
  ]) {
    context.addIssue({ code: 'custom', path: [...path], message });
  }
});
