import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { z } from 'zod';
import { apiNameOf, LONGEST_API_NAME } from '../api-name.ts';
import { endpointNameOf, LONGEST_ENDPOINT_NAME } from '../endpoint-names.ts';
import type { Settings } from '../settings.ts';
import type { Conflict } from './conflict.ts';

/** A standard topic: CloudWatch's alarms can't tell a FIFO one. */
export const topicArn = z
  .string()
  .regex(
    /^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}$/,
    'must be the ARN of a standard SNS topic, such as "arn:aws:sns:eu-west-1:111122223333:alarms"',
  );

const logRetentionDays = z.literal(
  Object.values(RetentionDays).filter((days) => typeof days === 'number'),
);

/** What holds for the stack as a whole. */
export const stackSection = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9-]{0,127}$/, 'must be letters, digits and "-", a letter first'),
  logRetentionDays,
  alarmTopicArn: topicArn.nullable(),
});

/** A name from which those of endpoint and API can't be made. */
export function* stackNameConflicts({ endpoint, stack }: Settings): Generator<Conflict> {
  if (endpoint.mode !== 'asynchronous' && apiNameOf(stack.name).length > LONGEST_API_NAME) {
    yield {
      path: ['stack', 'name'],
      message: `must be shorter, because the API is called ${apiNameOf('<stack.name>')} in at most ${String(LONGEST_API_NAME)} characters`,
    };
  }
  if (endpoint.name === null && endpointNameOf(stack.name).length > LONGEST_ENDPOINT_NAME) {
    yield {
      path: ['stack', 'name'],
      message: `must be shorter, because the endpoint is called ${endpointNameOf(stack.name)} in at most ${String(LONGEST_ENDPOINT_NAME)} characters, or endpoint.name must be set`,
    };
  }
}
