import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { z } from 'zod';

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
