import { z } from 'zod';
import { alarmsSection } from './settings/alarms.ts';
import { apiConflicts, apiSection } from './settings/api.ts';
import { backfillConflicts, backfillSection } from './settings/backfill.ts';
import { bedrockConflicts, bedrockSection } from './settings/bedrock.ts';
import { catalogueSection, prefixConflicts } from './settings/catalogue.ts';
import { asynchronousConflicts, endpointSection, imageConflicts } from './settings/endpoint.ts';
import { concurrencyConflicts, functionSection } from './settings/function.ts';
import { rolloutConflicts, rolloutSection } from './settings/rollout.ts';
import { scalingConflicts, scalingSection } from './settings/scaling.ts';
import { stackNameConflicts, stackSection } from './settings/stack.ts';
import { trainingConflicts, trainingSection } from './settings/training.ts';
import { uploadConflicts, uploadsSection } from './settings/uploads.ts';

export { SHORTEST_TURN_SECONDS } from './settings/batches.ts';
export { hasGpu } from './settings/endpoint.ts';
export { reservedConcurrency } from './settings/function.ts';
export { mostInstances } from './settings/scaling.ts';

const sections = z.strictObject({
  stack: stackSection,
  catalogue: catalogueSection,
  endpoint: endpointSection,
  scaling: scalingSection,
  rollout: rolloutSection,
  function: functionSection,
  uploads: uploadsSection,
  bedrock: bedrockSection,
  api: apiSection,
  alarms: alarmsSection,
  training: trainingSection,
  backfill: backfillSection,
});

/** What a deployment is made from; `config/default.json` holds every default. */
export type Settings = z.infer<typeof sections>;

/** What may be wrong between fields; each rule is written where its section is. */
const CONFLICTS = [
  stackNameConflicts,
  prefixConflicts,
  imageConflicts,
  asynchronousConflicts,
  scalingConflicts,
  rolloutConflicts,
  concurrencyConflicts,
  bedrockConflicts,
  uploadConflicts,
  apiConflicts,
  trainingConflicts,
  backfillConflicts,
];

/** The shape of {@link Settings} and the rules between its fields. */
export const settingsSchema = sections.superRefine((settings, context) => {
  for (const { path, message } of CONFLICTS.flatMap((rule) => [...rule(settings)])) {
    context.addIssue({ code: 'custom', path: [...path], message });
  }
});
