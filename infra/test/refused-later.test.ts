import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { settingsWith } from './support.ts';

describe('settings that would be refused by what is deployed', () => {
  it('refuses variables that the function does not know, and values that it refuses', () => {
    const wrong: [string, string, RegExp][] = [
      ['MAX_TOKEN', '500', /environment\.MAX_TOKEN: must be left out: the function has no such/],
      [
        'LAMBDA_TASK_ROOT',
        '/',
        /environment\.LAMBDA_TASK_ROOT: must be left out: it is AWS Lambda/,
      ],
      ['AWS_ENDPOINT_URL_S3', 'x', /AWS_ENDPOINT_URL_S3: must be left out: .* or the SDK's/],
      ['MAX_TOKENS', '64001', /environment\.MAX_TOKENS: must be a whole number from 1 to 64000/],
      ['TEMPERATURE', '1.5', /environment\.TEMPERATURE: must be a number from 0 to 1, or none/],
      ['ENDPOINT_HEDGE_MS', '99', /environment\.ENDPOINT_HEDGE_MS: must be .* from 100 to 60000/],
      ['LOW_CONFIDENCE', 'hide', /environment\.LOW_CONFIDENCE: must be one of leave-out, hedge/],
      ['METRICS_NAMESPACE', 'None', /METRICS_NAMESPACE: must be a namespace .* none in small/],
      ['METRICS_NAMESPACE', 'AWS/Lambda', /METRICS_NAMESPACE: must be a namespace/],
      ['METRICS_NAMESPACE', ':shop', /METRICS_NAMESPACE: must be a namespace/],
      ['METRICS_NAMESPACE', 'my shop', /METRICS_NAMESPACE: must be a namespace/],
      ['DESCRIPTION_LANGUAGE', 'xx', /DESCRIPTION_LANGUAGE: must be the code .* zh-Hant/],
      ['DESCRIPTION_WORDS', 'x', /DESCRIPTION_WORDS: must be the fewest and the most words/],
      ['DESCRIPTION_WORDS', '150-80', /DESCRIPTION_WORDS: must be/],
      ['DESCRIPTION_WORDS', '9-80', /DESCRIPTION_WORDS: must be .* from 10 to 2000/],
      ['DESCRIPTION_WORDS', '10-2001', /DESCRIPTION_WORDS: must be/],
      ['MAX_TOKENS', '149', /environment\.MAX_TOKENS: must be at least 150, the most words/],
      ['DESCRIPTION_WORDS', '80-401', /environment\.MAX_TOKENS: must be at least 401/],
      ['BRAND_VOICE', 'a'.repeat(1001), /environment\.BRAND_VOICE: .* at most 1000 characters/],
    ];
    for (const [name, value, message] of wrong) {
      assert.throws(() => settingsWith({ function: { environment: { [name]: value } } }), {
        message,
      });
    }
    const environment = {
      MAX_TOKENS: ' 64000 ',
      TEMPERATURE: 'none',
      ENDPOINT_HEDGE_MS: '0',
      BRAND_VOICE: 'plain',
      BANNED_WORDS: '',
      METRICS_NAMESPACE: 'Shop/#1',
      DESCRIPTION_LANGUAGE: 'ZH-hans',
      DESCRIPTION_WORDS: ' 500 - 2000 ',
      RUST_LOG: 'debug',
      MIMALLOC_SHOW_STATS: '1',
    };
    assert.doesNotThrow(() => settingsWith({ function: { environment } }));
  });

  it('refuses models and guardrails that Bedrock does not have so', () => {
    const profile = 'arn:aws:bedrock:eu-west-1:111122223333:inference-profile';
    const wrong: [Record<string, unknown>, RegExp][] = [
      [
        { modelIds: ['anthropic.claude-3-sonnet-20240229-v1:0', 'eu.amazon.nova-lite-v1:0'] },
        /bedrock\.modelIds\.1: must be a model of Anthropic where bedrock\.api is "invoke".*nova/,
      ],
      [
        { modelIds: ['arn:aws:bedrock:us-east-1::foundation-model/meta.llama3-8b-instruct-v1:0'] },
        /bedrock\.modelIds\.0: must be a model of Anthropic/,
      ],
      [
        { region: 'eu-west-1', modelIds: ['us.anthropic.claude-sonnet-4-6'] },
        /bedrock\.modelIds\.0: must be had in bedrock\.region \("eu-west-1"\): .*eu, global/,
      ],
      [
        { region: 'us-gov-west-1', modelIds: ['global.anthropic.claude-sonnet-4-6'] },
        /bedrock\.modelIds\.0: .*us-gov/,
      ],
      [
        { region: 'us-east-1', modelIds: [`${profile}/eu.anthropic.claude-sonnet-4-6`] },
        /bedrock\.modelIds\.0: must be had in bedrock\.region .*it lies in eu-west-1/,
      ],
      [
        {
          region: 'us-east-1',
          guardrail: {
            id: 'arn:aws:bedrock:us-east-2:111122223333:guardrail/gr1abc',
            version: '1',
          },
        },
        /bedrock\.guardrail\.id: must be in bedrock\.region \("us-east-1"\): it lies in us-east-2/,
      ],
    ];
    for (const [bedrock, message] of wrong) {
      assert.throws(() => settingsWith({ bedrock }), { name: 'SettingsError', message });
    }
    for (const bedrock of [
      { api: 'converse', modelIds: ['eu.amazon.nova-lite-v1:0'] },
      { region: 'ap-northeast-1', modelIds: ['jp.anthropic.claude-sonnet-4-6'] },
      { region: 'ca-central-1', modelIds: ['us.anthropic.claude-sonnet-4-6'] },
      { region: 'eu-west-1', modelIds: [`${profile}/eu.anthropic.claude-sonnet-4-6`] },
      { modelIds: ['arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/abc'] },
    ]) {
      assert.doesNotThrow(() => settingsWith({ bedrock }));
    }
  });
});
