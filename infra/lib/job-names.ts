import { createHash } from 'node:crypto';
import type { Stack } from 'aws-cdk-lib';
import { jsonata } from './states-language.ts';

/** The longest beginning that leaves room for step and run in the 63 characters of a job's name. */
const LONGEST_PREFIX = 20;

/** Hexadecimal digits of the hash of a stack's name. */
const HASH_LENGTH = 8;

/** Of an execution's name. */
const RUN_LENGTH = 28;

/**
 * What the names of a stack's jobs begin with, before a hyphen; in lower case, as SageMaker's ARNs
 * have names.
 *
 * Jobs share their names with all of an account and region, and roles are allowed jobs by this
 * beginning. A name that is cut short may be another stack's too, and `lookbook-` begins
 * `lookbook-staging-` as well. So a hash of the whole name follows, and the name loses its hyphens:
 * the first hyphen comes before the hash and the second one after it, whatever the stack is called,
 * and no beginning continues as another's.
 */
export function jobPrefix({ stackName }: Stack): string {
  const readable = stackName
    .toLowerCase()
    .replaceAll('-', '')
    .slice(0, LONGEST_PREFIX - HASH_LENGTH - 1);
  const hash = createHash('sha256').update(stackName).digest('hex').slice(0, HASH_LENGTH);
  return `${readable}-${hash}`;
}

/** The beginning of a stack's name as SageMaker has it in ARNs. */
export function lowerCaseName(stack: Stack, length: number): string {
  return stack.stackName.toLowerCase().slice(0, length).replace(/-+$/, '');
}

/** The expression for the part of a job's name that is the execution's. */
export const JOB_OF_RUN = `$substring($replace($lowercase($states.context.Execution.Name), /[^a-z0-9]+/, "-"), 0, ${String(RUN_LENGTH)})`;

/**
 * The name of a step's job: that of the run, which is the variable `job`, and how often the run was
 * redriven, so that a step that failed can be done again.
 */
export function jobName(prefix: string, step: string): string {
  return jsonata(
    `"${prefix}-${step.toLowerCase()}-" & $job & "-" & $string($states.context.Execution.RedriveCount)`,
  );
}
