import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  asList,
  asText,
  permissions,
  policyDocumentsIn,
  policyStatements,
  resourcesOf,
  type Statement,
} from './support.ts';
import { VARIANT_NAMES, variantTemplate } from './variants.ts';

interface Wildcard {
  readonly permission: RegExp;
  readonly reason: string;
}

/** Every wildcard that a role is allowed in any variant, as `action → resource`, with the reason. */
const OF_ROLES: readonly Wildcard[] = [
  {
    permission: /^ecr:GetAuthorizationToken → \*$/,
    reason: 'IAM knows no resource for it',
  },
  {
    permission: /^cloudwatch:PutMetricData → \*$/,
    reason: 'IAM knows no resource for it; a condition confines it to a namespace',
  },
  {
    permission:
      /^s3:(GetObject|PutObject|DeleteObject) → \$\{Catalogue\w+\.Arn\}\/(incoming|descriptions|failures|calls)\/\*$/,
    reason: 'the objects of a prefix, for the function',
  },
  {
    permission:
      /^s3:(AbortMultipartUpload|GetObject|PutObject) → \$\{Catalogue\w+\.Arn\}\/asynchronous\/\*$/,
    reason: 'requests and answers of an asynchronous endpoint',
  },
  {
    permission: /^s3:PutObject → \$\{Catalogue\w+\.Arn\}\/captures\/\*$/,
    reason: 'what the endpoint captures, under names of its own',
  },
  {
    permission: /^s3:GetObject → arn:\$\{AWS::Partition\}:s3:::\{.*ModelDataUri.*\}\*$/,
    reason: 'the files of the checkpoint, wherever the parameter says',
  },
  {
    permission:
      /^s3:GetObject → arn:\$\{AWS::Partition\}:s3:::amzn-s3-demo-bucket\/models\/blip2\/\*$/,
    reason: 'the files of the checkpoint, where the setting says',
  },
  {
    permission:
      /^bedrock:InvokeModel(WithResponseStream)? → \S+:bedrock:\*::foundation-model\/[^*]+$/,
    reason: 'the regions of an inference profile; a condition confines it to that profile',
  },
  {
    permission: /^bedrock:InvokeModel(WithResponseStream)? → \S+:bedrock:\*::foundation-model\/\*$/,
    reason:
      "the model behind an application's own profile, whose name does not tell it; a condition confines it to that profile",
  },
  {
    permission: /^logs:\w+(Log(Delivery|Deliveries|Groups)|ResourcePolic(y|ies)) → \*$/,
    reason: 'a state machine that logs; IAM knows no resource for it',
  },
  {
    permission: /^xray:\w+ → \*$/,
    reason: 'a state machine that is traced; IAM knows no resource for it',
  },
  {
    permission:
      /^logs:\w+ → \S+:log-group:\/aws\/sagemaker\/(Processing|Training|Transform)Jobs:\*$/,
    reason: 'the streams of a group that all jobs of the account share',
  },
  {
    permission:
      /^s3:\w+ → \$\{TrainingData\w+\.Arn\}\/((catalogues|models|runs|checkpoints)\/\*|runs\/\*\/evaluation\/summary\.json)$/,
    reason: 'what jobs of training read and leave, and the scores of every run',
  },
  {
    permission: /^sagemaker:\w+ → \S+:(processing|training|transform)-job\/test-\*$/,
    reason: 'the jobs of a workflow, which are named by its runs',
  },
  {
    permission: /^sagemaker:\w+ModelPackage → \S+:model-package\/test-models-.*\/\*$/,
    reason: "the models of the stack's group, which have numbers",
  },
  {
    permission: /^s3:\w+ → \$\{Catalogue\w+\.Arn\}\/backfill\/\*$/,
    reason: 'what became of the batches of a backfill',
  },
  {
    permission:
      /^s3:\w+ → \$\{Catalogue\w+\.Arn\}\/backfill\/\*\/(photos|questions|answers|prompts|texts)\/\*$/,
    reason: 'one kind of file of every run of a cheap backfill',
  },
  {
    permission:
      /^states:\w+ → \S+:(execution|mapRun):\$\{Backfill\w+\.Name\}(\/(Describe|Questions|Prompts|Results))?:\*$/,
    reason: 'the executions of a Distributed Map, to which Step Functions gives ids',
  },
  {
    permission: /^bedrock:(Create|Get)ModelInvocationJob → \S+:model-invocation-job\/\*$/,
    reason: 'jobs of batch inference, to which Bedrock gives ids',
  },
  {
    permission: /^bedrock:CreateModelInvocationJob → \S+:bedrock:\*::foundation-model\/[^*]+$/,
    reason: 'the regions of the profile that writes in batches',
  },
];

/** What IAM knows no resource and no condition for: the token of a registry, logs, traces. */
const WITHOUT_RESOURCE =
  /^(ecr:GetAuthorizationToken|logs:\w+(Log(Delivery|Deliveries|Groups)|ResourcePolic(y|ies))|xray:\w+)$/;

/** Every wildcard that the policy of a resource allows, as `principal: action → resource`. */
const OF_RESOURCES: readonly Wildcard[] = [
  {
    permission: /^\S*:iam::\$\{AWS::AccountId\}:root: kms:\* → \*$/,
    reason: 'the account governs its key by IAM; in the policy of a key "*" is that key',
  },
  {
    permission:
      /^logging\.s3\.amazonaws\.com: s3:PutObject → \$\{AccessLogs\w+\.Arn\}\/(catalogue|training)\/\*$/,
    reason: 'S3 names its logs itself; a condition confines it to the bucket that is logged',
  },
];

const variants = VARIANT_NAMES.map(variantTemplate);
const ofRoles = variants.flatMap((template) => [...policyStatements(template).values()].flat());
const ofResources = variants.flatMap((template) =>
  [...resourcesOf(template).values()]
    .filter(({ Type }) => Type !== 'AWS::IAM::Policy')
    .flatMap(({ Properties }) => policyDocumentsIn(Properties).flat()),
);

function principalsOf({ Principal }: Statement): string[] {
  return typeof Principal === 'object' && Principal !== null
    ? Object.values(Principal).flatMap((value) => asList(value as unknown).map(asText))
    : [asText(Principal)];
}

/** `principal: action → resource`; roles' policies of trust have no resource. */
function grants(statements: Statement[]): string[] {
  return statements
    .filter(({ Effect }) => Effect === 'Allow')
    .flatMap((statement) =>
      principalsOf(statement).flatMap((principal) =>
        (statement.Resource === undefined
          ? asList(statement.Action)
          : permissions([statement])
        ).map((text) => `${principal}: ${text}`),
      ),
    );
}

function assertReasoned(wild: readonly string[], table: readonly Wildcard[]): void {
  for (const text of wild) {
    assert(
      table.some(({ permission }) => permission.test(text)),
      `no reason is given for ${text}`,
    );
  }
  for (const { permission, reason } of table) {
    assert(
      wild.some((text) => permission.test(text)),
      `nothing needs "${reason}" any more`,
    );
  }
}

const hasWildcard = (text: string) => text.includes('*');

describe('policies of all variants', () => {
  it('stand by themselves: no managed policy, no policy inside of a role', () => {
    for (const template of variants) {
      template.resourceCountIs('AWS::IAM::ManagedPolicy', 0);
      for (const { Properties } of Object.values(template.findResources('AWS::IAM::Role'))) {
        const { ManagedPolicyArns, Policies } = Properties as Record<string, unknown>;
        assert.deepEqual([ManagedPolicyArns, Policies], [undefined, undefined]);
      }
    }
  });

  it('allow roles no wildcard in an action', () => {
    assert(ofRoles.length > 0);
    for (const { Action } of ofRoles) {
      for (const action of asList(Action)) {
        assert.doesNotMatch(action, /\*/);
      }
    }
  });

  it('allow roles no wildcard in a resource without a reason, and every reason holds', (test) => {
    const wild = [...new Set(permissions(ofRoles).filter(hasWildcard))].sort();
    test.diagnostic(
      `${String(wild.length)} wildcards of roles, ${String(OF_ROLES.length)} reasons`,
    );
    assertReasoned(wild, OF_ROLES);
  });

  it('confine what has no resource of its own by a condition', () => {
    const unbound = ofRoles.filter(
      ({ Action, Resource }) =>
        Resource === '*' && !asList(Action).every((action) => WITHOUT_RESOURCE.test(action)),
    );
    assert(unbound.length > 0);
    for (const { Condition } of unbound) {
      assert.deepEqual(Condition, {
        StringLike: { 'cloudwatch:namespace': '/aws/sagemaker/*' },
      });
    }
  });

  it('confine a wildcard of models that are invoked by a condition', () => {
    const models = ofRoles.filter((statement) =>
      permissions([statement]).some((text) =>
        /^bedrock:InvokeModel\w* → .*(foundation-model.*\*|bedrock:\*)/.test(text),
      ),
    );
    assert(models.length > 0);
    for (const { Condition } of models) {
      const { StringEquals } = Condition as { StringEquals: Record<string, unknown> };
      assert.match(asText(StringEquals['bedrock:InferenceProfileArn']), /inference-profile\//);
    }
  });

  it('give nobody but those of the list a wildcard on a resource', (test) => {
    const wild = [...new Set(grants(ofResources).filter(hasWildcard))].sort();
    test.diagnostic(
      `${String(wild.length)} wildcards of resources, ${String(OF_RESOURCES.length)} reasons`,
    );
    assertReasoned(wild, OF_RESOURCES);
  });
});
