import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import {
  asText,
  type Overrides,
  permissions,
  type Statement,
  statementsOf,
  templateOf,
} from './support.ts';

const QUEUE = 'AWS::SQS::Queue';
const ALARM = 'AWS::CloudWatch::Alarm';
const MAPPING = 'AWS::Lambda::EventSourceMapping';

/** What the tests look at: of queues, and of their policies. */
interface Properties {
  readonly MessageRetentionPeriod: number;
  readonly VisibilityTimeout: number;
  readonly RedrivePolicy: { readonly maxReceiveCount: number };
  readonly PolicyDocument: { readonly Statement: Statement[] };
}

/** The one resource of the type whose logical id begins so. */
function only(template: Template, type: string, prefix: string) {
  const found = Object.entries(template.findResources(type)).filter(([id]) =>
    id.startsWith(prefix),
  );
  assert.equal(found.length, 1, prefix);
  const [[id, resource] = []] = found;
  assert(id !== undefined);
  return { id, properties: resource?.Properties as Properties };
}

const uploads = (overrides: Overrides) =>
  only(templateOf(overrides), QUEUE, 'UploadsQueue').properties;

describe('upload queue', () => {
  const template = templateOf();
  const queue = only(template, QUEUE, 'UploadsQueue');
  const deadLetters = only(template, QUEUE, 'UploadsDeadLetters');

  it('hides a batch for six times as long as the function has, and its waiting', () => {
    assert.equal(queue.properties.VisibilityTimeout, 6 * 60 + 1);
    const slow = {
      function: { timeoutSeconds: 900 },
      uploads: { batchingWindowSeconds: 300 },
    };
    assert.equal(uploads(slow).VisibilityTimeout, 6 * 900 + 300);
  });

  it('gives up after some deliveries, and keeps what it gave up', () => {
    assert.deepEqual(queue.properties.RedrivePolicy, {
      deadLetterTargetArn: { 'Fn::GetAtt': [deadLetters.id, 'Arn'] },
      maxReceiveCount: 5,
    });
    assert.equal(uploads({ uploads: { maximumReceives: 3 } }).RedrivePolicy.maxReceiveCount, 3);
  });

  it('keeps dead letters for longer than messages, whose age they keep', () => {
    const days = 24 * 60 * 60;
    assert.equal(queue.properties.MessageRetentionPeriod, 10 * days);
    assert.equal(deadLetters.properties.MessageRetentionPeriod, 14 * days);
  });

  it('is encrypted, as every queue of the stack', () => {
    template.resourceCountIs(QUEUE, 3);
    template.allResourcesProperties(QUEUE, { SqsManagedSseEnabled: true });
  });

  it('is reached by TLS only, and filled by the one rule only, as the dead-letter queue', () => {
    const rule = only(template, 'AWS::Events::Rule', 'CataloguePhotos');
    for (const { id } of [queue, deadLetters]) {
      const { Statement } = only(template, 'AWS::SQS::QueuePolicy', id.replace(/[0-9A-F]{8}$/, ''))
        .properties.PolicyDocument;
      assert.deepEqual(
        Statement.map(({ Effect, Principal, Action, Resource, Condition }) => ({
          is: `${Effect} ${String(Action)} → ${asText(Resource)}`,
          of: Principal,
          where: Condition,
        })),
        [
          {
            is: `Deny sqs:* → \${${id}.Arn}`,
            of: { AWS: '*' },
            where: { Bool: { 'aws:SecureTransport': 'false' } },
          },
          {
            is: `Allow sqs:SendMessage → \${${id}.Arn}`,
            of: { Service: 'events.amazonaws.com' },
            where: { ArnEquals: { 'aws:SourceArn': { 'Fn::GetAtt': [rule.id, 'Arn'] } } },
          },
        ],
      );
    }
  });

  it('hands the function bounded batches, and is told which messages failed', () => {
    template.resourceCountIs(MAPPING, 1);
    template.hasResourceProperties(MAPPING, {
      EventSourceArn: { 'Fn::GetAtt': [queue.id, 'Arn'] },
      BatchSize: 8,
      MaximumBatchingWindowInSeconds: 1,
      ScalingConfig: { MaximumConcurrency: 2 },
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    });
  });

  it('follows the settings', () => {
    templateOf({
      endpoint: { instanceCount: 3 },
      function: { productConcurrency: 6 },
      uploads: { batchSize: 20, batchingWindowSeconds: 5, maximumConcurrency: 4 },
    }).hasResourceProperties(MAPPING, {
      BatchSize: 20,
      MaximumBatchingWindowInSeconds: 5,
      ScalingConfig: { MaximumConcurrency: 4 },
    });
  });

  it('lets the function take messages, and no more', () => {
    const ofQueue = permissions(statementsOf(template, 'DescribeRole')).filter((text) =>
      text.endsWith(`→ \${${queue.id}.Arn}`),
    );
    assert.deepEqual(
      ofQueue.map((text) => text.split(' ')[0]),
      ['sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ReceiveMessage'],
    );
  });

  it('is listened to by a function that may take messages already', () => {
    // Lambda tries the role when the mapping is created; the mapping waits for the function by its
    // name, and the function for the policy.
    const [{ DependsOn } = {}] = Object.values(
      template.findResources('AWS::Lambda::Function', {
        Properties: { Runtime: 'provided.al2023' },
      }),
    ) as { DependsOn?: string[] }[];
    assert(DependsOn?.some((id) => id.startsWith('DescribeRoleDefaultPolicy')));
  });

  it('alarms where uploads wait too long', () => {
    const oldest = {
      MetricName: 'ApproximateAgeOfOldestMessage',
      Dimensions: [{ Name: 'QueueName', Value: { 'Fn::GetAtt': [queue.id, 'QueueName'] } }],
      Namespace: 'AWS/SQS',
      Statistic: 'Maximum',
      Period: 300,
      EvaluationPeriods: 1,
      Threshold: 3600,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      TreatMissingData: 'notBreaching',
      AlarmDescription: Match.stringLikeRegexp('wait too long'),
    };
    template.hasResourceProperties(ALARM, oldest);
    templateOf({ uploads: { oldestMessageAlarmMinutes: 15 } }).hasResourceProperties(ALARM, {
      MetricName: oldest.MetricName,
      Threshold: 900,
    });
  });

  it('alarms where one was given up', () => {
    template.hasResourceProperties(ALARM, {
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Dimensions: [{ Name: 'QueueName', Value: { 'Fn::GetAtt': [deadLetters.id, 'QueueName'] } }],
      Namespace: 'AWS/SQS',
      Statistic: 'Maximum',
      Period: 300,
      EvaluationPeriods: 1,
      Threshold: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      TreatMissingData: 'notBreaching',
      AlarmDescription: Match.stringLikeRegexp('given up'),
    });
  });
});
