import { type Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';

/** What Bedrock takes for a guardrail: its id, or its ARN. */
export const GUARDRAIL_ID =
  /^([a-z0-9]+|arn:aws[a-z-]*:bedrock:[a-z0-9-]{1,20}:\d{12}:guardrail\/[a-z0-9]+)$/;

/** A guardrail through which every call of a model goes. */
export interface BedrockGuardrail {
  /** As {@link GUARDRAIL_ID} has it. */
  readonly id: string;
  /** A number, or "DRAFT". */
  readonly version: string;
}

/**
 * The permission to send calls through one guardrail.
 *
 * @param stack whose partition and account stand in the ARN of a guardrail that is named by its id
 * @param region the region that Bedrock is called in, which must be the guardrail's
 */
export function applyGuardrailStatement(
  stack: Stack,
  { id }: BedrockGuardrail,
  region: string,
): PolicyStatement {
  const arn = id.startsWith('arn:')
    ? id
    : stack.formatArn({ service: 'bedrock', region, resource: 'guardrail', resourceName: id });
  return new PolicyStatement({ actions: ['bedrock:ApplyGuardrail'], resources: [arn] });
}
