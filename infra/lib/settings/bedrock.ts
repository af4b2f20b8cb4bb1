import { z } from 'zod';
import { GUARDRAIL_ID } from '../bedrock-guardrail.ts';
import { parseBedrockModel } from '../bedrock-model.ts';

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
