import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Template } from 'aws-cdk-lib/assertions';
import {
  APP_FOLDER,
  asList,
  asText,
  permissions,
  policyDocumentsIn,
  policyStatements,
  resourcesOf,
  type Statement,
} from './support.ts';
import { VARIANT_NAMES, variantTemplate } from './variants.ts';
import { wildcardDocument } from './wildcard-document.ts';
import { isOfResource, isOfRole, RESOURCE_WILDCARDS, WILDCARDS } from './wildcards.ts';

/** What IAM knows neither a resource nor a condition for: the token of a registry, logs, traces. */
const WITHOUT_RESOURCE =
  /^(ecr:GetAuthorizationToken|logs:\w+(Log(Delivery|Deliveries|Groups)|ResourcePolic(y|ies))|xray:\w+)$/;

/** For readers; `npm run snapshots` writes it anew. */
const DOCUMENT = join(APP_FOLDER, 'WILDCARDS.md');

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

/** Who may invoke functions, as `principal: action → from source`; from anywhere without a source. */
function invocations(template: Template): string[] {
  return Object.values(template.findResources('AWS::Lambda::Permission')).map(({ Properties }) => {
    const { Principal, Action, SourceArn = '*' } = Properties as Record<string, unknown>;
    return `${asText(Principal)}: ${asText(Action)} → from ${asText(SourceArn)}`;
  });
}

/** No wildcard is without a reason, and none is given for nothing. */
function assertReasoned<T extends { readonly reason: string }>(
  wild: readonly string[],
  reasons: readonly T[],
  covers: (reason: T, permission: string) => boolean,
): void {
  for (const permission of wild) {
    assert(
      reasons.some((reason) => covers(reason, permission)),
      `no reason is given for ${permission}`,
    );
  }
  for (const reason of reasons) {
    assert(
      wild.some((permission) => covers(reason, permission)),
      `nothing needs "${reason.reason}" any more`,
    );
  }
}

const withWildcard = (texts: readonly string[]) =>
  [...new Set(texts.filter((text) => text.includes('*')))].sort();
const wildOfRoles = withWildcard(permissions(ofRoles));
const wildOfResources = withWildcard([
  ...grants(ofResources),
  ...variants.flatMap((template) => invocations(template)),
]);

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
    test.diagnostic(
      `${String(wildOfRoles.length)} permissions of roles with wildcards, ${String(WILDCARDS.length)} reasons`,
    );
    assertReasoned(wildOfRoles, WILDCARDS, isOfRole);
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
    test.diagnostic(
      `${String(wildOfResources.length)} permissions on resources with wildcards, ${String(RESOURCE_WILDCARDS.length)} reasons`,
    );
    assert(wildOfResources.some((text) => text.startsWith('apigateway.amazonaws.com: ')));
    assertReasoned(wildOfResources, RESOURCE_WILDCARDS, isOfResource);
  });

  it('have their wildcards where a reader finds them, with the reasons', () => {
    const document = wildcardDocument(wildOfRoles, wildOfResources);
    if (process.env.UPDATE_SNAPSHOTS === '1') {
      writeFileSync(DOCUMENT, document);
    }
    assert.equal(readFileSync(DOCUMENT, 'utf8'), document, 'npm run snapshots writes it anew');
  });
});
