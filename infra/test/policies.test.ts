import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { asList, permissions, policyStatements, templateOf } from './support.ts';

/** Every wildcard of the stack, as `action → resource`, with the reason for it. */
const WILDCARDS: readonly { readonly permission: RegExp; readonly reason: string }[] = [
  {
    permission: /^ecr:GetAuthorizationToken → \*$/,
    reason: 'IAM knows no resource for it',
  },
  {
    permission: /^xray:Put(TraceSegments|TelemetryRecords) → \*$/,
    reason: 'IAM knows no resource for it',
  },
  {
    permission: /^cloudwatch:PutMetricData → \*$/,
    reason: 'IAM knows no resource for it; a condition confines it to a namespace',
  },
  {
    permission:
      /^s3:(GetObject|PutObject|DeleteObject) → \$\{Catalogue\w+\.Arn\}\/(incoming|descriptions|failures)\/\*$/,
    reason: 'the objects of a prefix',
  },
  {
    permission: /^s3:GetObject → arn:\$\{AWS::Partition\}:s3:::\{.*ModelDataUri.*\}\*$/,
    reason: 'the files of the checkpoint',
  },
  {
    permission: /^bedrock:InvokeModel → \S+:bedrock:\*::foundation-model\/[^*]+$/,
    reason: 'the regions of an inference profile; a condition confines it to that profile',
  },
];

describe('IAM policies', () => {
  const policies = [...policyStatements(templateOf()).values()];

  it('allow no wildcard in an action', () => {
    for (const { Action } of policies.flat()) {
      for (const action of asList(Action)) {
        assert.doesNotMatch(action, /\*/);
      }
    }
  });

  it('allow no wildcard in a resource without a reason, and every reason holds', () => {
    const wild = policies.flatMap(permissions).filter((text) => text.includes('*'));
    for (const text of wild) {
      assert(
        WILDCARDS.some(({ permission }) => permission.test(text)),
        `no reason is given for ${text}`,
      );
    }
    for (const { permission, reason } of WILDCARDS) {
      assert(
        wild.some((text) => permission.test(text)),
        `nothing needs "${reason}" any more`,
      );
    }
  });

  it('confine what has no resource of its own by a condition', () => {
    // Neither has a condition key that would confine it.
    const free = ['ecr:GetAuthorizationToken', 'xray:PutTraceSegments', 'xray:PutTelemetryRecords'];
    const unbound = policies
      .flat()
      .filter(
        ({ Action, Resource }) =>
          Resource === '*' && !asList(Action).every((action) => free.includes(action)),
      );
    assert.deepEqual(
      unbound.map(({ Condition }) => Condition),
      [{ StringLike: { 'cloudwatch:namespace': '/aws/sagemaker/*' } }],
    );
  });
});
