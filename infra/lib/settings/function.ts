import { z } from 'zod';
import type { Settings } from '../settings.ts';
import type { Conflict } from './conflict.ts';
import { mostInstances } from './scaling.ts';
import { variables } from './variables.ts';

/** Variables that the stack sets on the function, and the setting that each of them follows. */
const MANAGED_VARIABLES: Readonly<Record<string, string>> = {
  ENDPOINT_NAME: 'endpoint.name',
  INFERENCE_COMPONENT_NAME: 'endpoint.mode',
  BEDROCK_MODEL_IDS: 'bedrock.modelIds',
  BEDROCK_REGION: 'bedrock.region',
  BEDROCK_API: 'bedrock.api',
  GUARDRAIL_ID: 'bedrock.guardrail',
  GUARDRAIL_VERSION: 'bedrock.guardrail',
  INCOMING_PREFIX: 'catalogue.incomingPrefix',
  OUTPUT_PREFIX: 'catalogue.descriptionsPrefix',
  FAILURE_PREFIX: 'catalogue.failuresPrefix',
  CLAIM_PREFIX: 'catalogue.claimsPrefix',
  IDEMPOTENCY_LOCATION: 'api.idempotencyDays',
  PRODUCT_CONCURRENCY: 'function.productConcurrency',
  RESPONSE_MODE: 'function.url',
};

const functionVariables = variables.superRefine((environment, context) => {
  for (const name of Object.keys(environment)) {
    const setting = MANAGED_VARIABLES[name];
    if (setting !== undefined) {
      context.addIssue({
        code: 'custom',
        path: [name],
        message: `must be left out: it follows ${setting}`,
      });
    } else if (name.startsWith('AWS_')) {
      context.addIssue({
        code: 'custom',
        path: [name],
        message: "must be left out: it is AWS Lambda's own",
      });
    } else if (name === 'OUTPUT_BUCKET') {
      const message = 'must be left out: the function may write to the catalogue bucket only';
      context.addIssue({ code: 'custom', path: [name], message });
    }
  }
});

/** The function that describes products. */
export const functionSection = z.strictObject({
  assetPath: z.string().regex(/\.zip$/, 'must be a .zip file'),
  architecture: z.enum(['x86_64', 'arm64']),
  memoryMib: z.int().min(128).max(10_240),
  timeoutSeconds: z.int().min(3).max(900),
  productConcurrency: z.int().min(1).max(64),
  reservedConcurrency: z.union(
    [z.enum(['fitted', 'none']), z.int().min(1)],
    'must be "fitted", "none" or a whole number of at least 1',
  ),
  provisionedConcurrency: z.int().min(1).nullable(),
  deadLetterQueue: z.boolean(),
  url: z.enum(['none', 'buffered', 'stream']),
  tracing: z.enum(['active', 'pass-through']),
  environment: functionVariables,
});

/** How many invocations there may be at a time; `undefined` where the account's limit alone holds. */
export function reservedConcurrency(settings: Settings): number | undefined {
  switch (settings.function.reservedConcurrency) {
    case 'fitted':
      return mostInstances(settings) * settings.endpoint.productsPerInstance;
    case 'none':
      return undefined;
    default:
      return settings.function.reservedConcurrency;
  }
}

/** Invocations that are kept ready and never let in. */
export function* concurrencyConflicts(settings: Settings): Generator<Conflict> {
  const reserved = reservedConcurrency(settings);
  if (reserved === undefined) {
    return;
  }
  const { provisionedConcurrency } = settings.function;
  if (provisionedConcurrency !== null && provisionedConcurrency > reserved) {
    yield {
      path: ['function', 'provisionedConcurrency'],
      message: `must be at most the ${String(reserved)} invocations at a time that function.reservedConcurrency allows`,
    };
  }
}
