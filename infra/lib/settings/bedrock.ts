import { z } from 'zod';
import { GUARDRAIL_ID } from '../bedrock-guardrail.ts';
import { elsewhere, makerOf, parseBedrockModel } from '../bedrock-model.ts';
import type { Settings } from '../settings.ts';
import type { Conflict } from './conflict.ts';

/** Who writes the descriptions. */
export const bedrockSection = z.strictObject({
  modelIds: z
    .array(
      z
        .string()
        .refine(
          (id) => parseBedrockModel(id) !== undefined,
          'must be the id of a foundation model or inference profile, or the ARN of one',
        ),
    )
    .min(1),
  region: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'must be a region, such as "eu-west-1"')
    .nullable(),
  api: z.enum(['invoke', 'converse']),
  guardrail: z
    .strictObject({
      id: z.string().regex(GUARDRAIL_ID, 'must be the id of a guardrail or its ARN'),
      version: z.string().regex(/^(DRAFT|[1-9]\d{0,7})$/, 'must be a number as text, or "DRAFT"'),
    })
    .nullable(),
});

/** Models that can't be called in the way, or from the region, that is set. */
export function* bedrockConflicts({ bedrock }: Settings): Generator<Conflict> {
  const { api, guardrail, modelIds, region } = bedrock;
  for (const [index, id] of modelIds.entries()) {
    const path = ['bedrock', 'modelIds', String(index)];
    const maker = makerOf(id);
    if (api === 'invoke' && maker !== undefined && maker !== 'anthropic') {
      yield {
        path,
        message:
          'must be a model of Anthropic where bedrock.api is "invoke", which has the form of Anthropic\'s messages; "converse" takes models of other makers too',
      };
    }
    const why = region === null ? undefined : elsewhere(id, region);
    if (why !== undefined) {
      yield { path, message: `must be had in bedrock.region ("${String(region)}"): ${why}` };
    }
  }
  const why = region === null || guardrail === null ? undefined : elsewhere(guardrail.id, region);
  if (why !== undefined) {
    yield {
      path: ['bedrock', 'guardrail', 'id'],
      message: `must be in bedrock.region ("${String(region)}"): ${why}`,
    };
  }
}
