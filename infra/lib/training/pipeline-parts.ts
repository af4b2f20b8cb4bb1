import { jsonata, quoted } from '../states-language.ts';
import { PLACES } from './places.ts';

/** A call that SageMaker turned away; a job that failed is not tried again. */
export const RETRY = [
  {
    ErrorEquals: [
      'SageMaker.AmazonSageMakerException',
      'SageMaker.ResourceLimitExceededException',
      'SageMaker.SageMakerException',
    ],
    IntervalSeconds: 30,
    BackoffRate: 2,
    MaxAttempts: 3,
    JitterStrategy: 'FULL',
  },
];

/** Of an execution's name; with prefix, step and count a job's name has at most 63. */
const NAME_LENGTH = 28;

/** The expression for the part of a job's name that is the execution's. */
export const JOB_OF_RUN = `$substring($replace($lowercase($states.context.Execution.Name), /[^a-z0-9]+/, "-"), 0, ${String(NAME_LENGTH)})`;

/**
 * The name of a step's job: that of the run, and how often the run was redriven, so that a step that
 * failed can be done again.
 */
export function jobName(prefix: string, step: string): string {
  return jsonata(
    `"${prefix}-${step.toLowerCase()}-" & $job & "-" & $string($states.context.Execution.RedriveCount)`,
  );
}

/** The expression for a place below the run's folder. */
export function ofRun(path: string): string {
  return `"s3://\${Bucket}/${PLACES.runs}" & $run & ${quoted(path)}`;
}
