import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Stack } from 'aws-cdk-lib';
import { invokeModelStatements, parseBedrockModel } from '../lib/bedrock-model.ts';
import { asText, permissions, type Statement } from './support.ts';

const SONNET = 'anthropic.claude-3-sonnet-20240229-v1:0';
const OF_ACCOUNT = 'arn:aws:bedrock:eu-west-1:111122223333:';

/** The statements for the model, called from eu-west-1. */
function statements(identifier: string): Statement[] {
  const model = parseBedrockModel(identifier);
  assert(model !== undefined, identifier);
  const stack = new Stack();
  return invokeModelStatements(stack, model, 'eu-west-1').map(
    (statement) => stack.resolve(statement.toStatementJson()) as Statement,
  );
}

function condition(statement: Statement | undefined): string {
  const { StringEquals } = statement?.Condition as { StringEquals: Record<string, unknown> };
  return asText(StringEquals['bedrock:InferenceProfileArn']);
}

describe('permission to invoke a Bedrock model', () => {
  it('is for the one foundation model in the one region', () => {
    const [statement, ...others] = statements(SONNET);
    assert.deepEqual(others, []);
    assert.equal(statement?.Action, 'bedrock:InvokeModel');
    assert.deepEqual(permissions([statement]), [
      `bedrock:InvokeModel → arn:\${AWS::Partition}:bedrock:eu-west-1::foundation-model/${SONNET}`,
    ]);
  });

  it('is for an inference profile and, only through it, the model behind it', () => {
    for (const profile of [`eu.${SONNET}`, 'global.anthropic.claude-sonnet-4-6']) {
      const arn = `arn:\${AWS::Partition}:bedrock:eu-west-1:\${AWS::AccountId}:inference-profile/${profile}`;
      const model = profile.slice(profile.indexOf('.') + 1);
      const both = statements(profile);
      assert.deepEqual(permissions(both), [
        `bedrock:InvokeModel → ${arn}`,
        `bedrock:InvokeModel → arn:\${AWS::Partition}:bedrock:*::foundation-model/${model}`,
      ]);
      assert.equal(condition(both[1]), arn);
    }
  });

  it('takes the model from the ARN of a profile', () => {
    const arn = `${OF_ACCOUNT}inference-profile/us.${SONNET}`;
    const both = statements(arn);
    assert.deepEqual(permissions(both), [
      `bedrock:InvokeModel → ${arn}`,
      `bedrock:InvokeModel → arn:\${AWS::Partition}:bedrock:*::foundation-model/${SONNET}`,
    ]);
    assert.equal(condition(both[1]), arn);
  });

  it("is bound to an application's own profile where its name does not tell the model", () => {
    const arn = `${OF_ACCOUNT}application-inference-profile/abc123def456`;
    const both = statements(arn);
    assert.deepEqual(permissions(both), [
      `bedrock:InvokeModel → ${arn}`,
      'bedrock:InvokeModel → arn:${AWS::Partition}:bedrock:*::foundation-model/*',
    ]);
    assert.equal(condition(both[1]), arn);
  });

  it('is for the resource itself where an ARN names a model', () => {
    for (const arn of [
      `arn:aws:bedrock:us-east-1::foundation-model/${SONNET}`,
      `${OF_ACCOUNT}provisioned-model/abc123`,
    ]) {
      assert.deepEqual(permissions(statements(arn)), [`bedrock:InvokeModel → ${arn}`]);
    }
  });

  it('does not take other things for models', () => {
    for (const text of ['', 'claude', 'a model', 'arn:aws:s3:::bucket', 'anthropic.', '*', 'a.*']) {
      assert.equal(parseBedrockModel(text), undefined, text);
    }
  });
});
