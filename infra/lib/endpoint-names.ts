import { createHash } from 'node:crypto';

/** In which way an endpoint answers; `config` says what each is good for. */
export const ENDPOINT_MODES = ['real-time', 'scale-to-zero', 'asynchronous'] as const;

/** `real-time`: always there. `scale-to-zero`: by an inference component. `asynchronous`: by S3. */
export type EndpointMode = (typeof ENDPOINT_MODES)[number];

/** SageMaker's limit. */
export const LONGEST_ENDPOINT_NAME = 63;

/** The endpoint's one production variant. */
export const VARIANT_NAME = 'AllTraffic';

/** Of all spellings of a name by case, the one that gets no hash. */
const USUAL_CASE = /^[A-Z][a-z0-9]*(-[A-Z0-9][a-z0-9]*)*$/;

/** Hexadecimal digits of the hash of a stack's name. */
const HASH_LENGTH = 8;

/**
 * What an endpoint is called where its name follows that of its stack.
 *
 * CloudFormation tells the stacks `Lookbook` and `lookbook` apart, and SageMaker does not, nor does
 * IAM in its ARNs. So a name that is not written as `Lookbook-Staging` is has a hash of how it is.
 */
export function endpointNameOf(stackName: string): string {
  const name = `${stackName}-blip2`;
  if (USUAL_CASE.test(stackName)) {
    return name;
  }
  const hash = createHash('sha256').update(stackName).digest('hex').slice(0, HASH_LENGTH);
  return `${name}-${hash}`;
}

/** By which names callers, scaling and CloudWatch know an endpoint. */
export interface EndpointNames {
  readonly endpoint: string;
  /** Set where the model is an inference component on the endpoint: every call must name it. */
  readonly inferenceComponent: string | undefined;
}

/**
 * @param name the setting; `null` follows the stack, so that two stacks in an account have two names
 */
export function endpointNames(
  mode: EndpointMode,
  name: string | null,
  stackName: string,
): EndpointNames {
  const endpoint = name ?? endpointNameOf(stackName);
  return {
    endpoint,
    // In lower case, as SageMaker may write it in its ARN, which IAM compares letter by letter.
    inferenceComponent: mode === 'scale-to-zero' ? endpoint.toLowerCase() : undefined,
  };
}
