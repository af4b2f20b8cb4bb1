import { quoted } from '../states-language.ts';
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

/** The expression for a place below the run's folder. */
export function ofRun(path: string): string {
  return `"s3://\${Bucket}/${PLACES.runs}" & $run & ${quoted(path)}`;
}
