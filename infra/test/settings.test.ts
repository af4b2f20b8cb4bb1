import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadSettings, SettingsError } from '../lib/settings-file.ts';
import { type Overrides, scratchFile, settingsWith } from './support.ts';

describe('settings', () => {
  it('accepts the defaults', () => {
    const settings = loadSettings();
    assert.equal(settings.endpoint.instanceType, 'ml.g5.2xlarge');
    assert.equal(settings.catalogue.removal, 'retain');
  });

  it('replaces single fields and keeps the others', () => {
    const settings = settingsWith({
      endpoint: { instanceType: 'ml.c7i.2xlarge', containerImage: { build: 'cpu' } },
    });
    assert.equal(settings.endpoint.instanceType, 'ml.c7i.2xlarge');
    assert.deepEqual(settings.endpoint.containerImage, { build: 'cpu' });
    assert.equal(settings.endpoint.name, loadSettings().endpoint.name);
    assert.deepEqual(settings.function, loadSettings().function);
  });

  const wrong: [string, Overrides, RegExp][] = [
    ['a type', { function: { memoryMib: '1024' } }, /function\.memoryMib: .*number.*"1024"/],
    ['a fraction', { function: { memoryMib: 0.5 } }, /function\.memoryMib: .*it is 0\.5/],
    ['a limit', { function: { timeoutSeconds: 901 } }, /function\.timeoutSeconds: .*900.*901/],
    ['a choice', { function: { architecture: 'x86' } }, /function\.architecture: .*arm64.*"x86"/],
    ['a URL', { function: { url: 'public' } }, /function\.url: .*stream.*"public"/],
    ['a tracing', { function: { tracing: 'off' } }, /function\.tracing: .*pass-through.*"off"/],
    [
      'a number of instances',
      { endpoint: { instanceCount: 501 } },
      /endpoint\.instanceCount: .*500.*501/,
    ],
    [
      'a number of instances at most',
      { scaling: { maximumInstances: 501 } },
      /scaling\.maximumInstances: .*500.*501/,
    ],
    [
      'an instance',
      { endpoint: { instanceType: 'g5.2xlarge' } },
      /endpoint\.instanceType: .*ml\.g5/,
    ],
    ['a name', { endpoint: { name: 'my_endpoint' } }, /endpoint\.name: must be at most 63/],
    [
      'a tag',
      { endpoint: { containerImage: { uri: 'model-server' } } },
      /endpoint\.containerImage/,
    ],
    [
      'an image',
      { endpoint: { containerImage: { build: 'rocm' } } },
      /containerImage: must be .*cuda/,
    ],
    ['a place', { endpoint: { modelDataUri: 's3://bucket/model' } }, /modelDataUri: must be an S3/],
    [
      'a variable',
      { endpoint: { environment: { 'a-b': '1' } } },
      /environment\.a-b: must be upper/,
    ],
    ['a model', { bedrock: { modelIds: ['claude'] } }, /bedrock\.modelIds\.0: must be the id/],
    ['no model', { bedrock: { modelIds: [] } }, /bedrock\.modelIds: /],
    ['an API', { bedrock: { api: 'Converse' } }, /bedrock\.api: .*converse.*"Converse"/],
    [
      'a guardrail',
      { bedrock: { guardrail: { id: 'my guardrail', version: '1' } } },
      /bedrock\.guardrail\.id: must be the id of a guardrail/,
    ],
    [
      'half a guardrail',
      { bedrock: { guardrail: { id: 'gr1abc' } } },
      /bedrock\.guardrail\.version: .*it is missing/,
    ],
    [
      'an origin',
      { api: { allowedOrigins: ['shop.example'] } },
      /api\.allowedOrigins\.0: must be an origin/,
    ],
    ['a time', { api: { idempotencyDays: 0 } }, /api\.idempotencyDays: .*it is 0/],
    ['a region', { bedrock: { region: 'Frankfurt' } }, /bedrock\.region: must be a region/],
    [
      'a prefix',
      { catalogue: { incomingPrefix: '/in' } },
      /catalogue\.incomingPrefix: .*ends with/,
    ],
    ['an age', { stack: { logRetentionDays: 31 } }, /stack\.logRetentionDays: .*it is 31/],
    ['a stack', { stack: { name: 'my stack' } }, /stack\.name: must be letters/],
    ['a rate', { api: { requestsPerSecond: 0 } }, /api\.requestsPerSecond: /],
    [
      'a batch',
      { uploads: { batchSize: 10_001, batchingWindowSeconds: 1 } },
      /uploads\.batchSize: .*10000.*10001/,
    ],
    [
      'a window',
      { uploads: { batchingWindowSeconds: 301 } },
      /uploads\.batchingWindowSeconds: .*300.*301/,
    ],
    [
      'a concurrency',
      { uploads: { maximumConcurrency: 1 } },
      /uploads\.maximumConcurrency: .*2.*it is 1/,
    ],
    [
      'a threshold',
      { uploads: { oldestMessageAlarmMinutes: 14_401 } },
      /uploads\.oldestMessageAlarmMinutes: .*14400.*14401/,
    ],
    [
      'a topic',
      { stack: { alarmTopicArn: 'arn:aws:sns:eu-west-1:111122223333:alarms.fifo' } },
      /stack\.alarmTopicArn: must be the ARN of a standard SNS topic/,
    ],
    ['a redrive', { uploads: { maximumReceives: 0 } }, /uploads\.maximumReceives: .*it is 0/],
    [
      'a number of products',
      { function: { productConcurrency: 65 } },
      /function\.productConcurrency: .*64.*65/,
    ],
    [
      'a mode',
      { endpoint: { mode: 'serverless' } },
      /endpoint\.mode: .*scale-to-zero.*"serverless"/,
    ],
    [
      'a sample',
      { endpoint: { dataCapture: { samplingPercentage: 101, days: 7 } } },
      /endpoint\.dataCapture\.samplingPercentage: .*100.*101/,
    ],
    ['a metric', { scaling: { metric: 'cpu' } }, /scaling\.metric: .*concurrent-requests.*"cpu"/],
    ['a target', { scaling: { target: 0 } }, /scaling\.target: .*it is 0/],
    ['a strategy', { rollout: { strategy: 'linear' } }, /rollout\.strategy: .*canary.*"linear"/],
    ['a canary', { rollout: { canaryPercentage: 51 } }, /rollout\.canaryPercentage: .*50.*51/],
    [
      'an encryption',
      { catalogue: { encryption: 'none' } },
      /catalogue\.encryption: .*kms.*"none"/,
    ],
    ['a lifetime', { catalogue: { incomingDays: 0 } }, /catalogue\.incomingDays: .*it is 0/],
    [
      'a concurrency',
      { function: { reservedConcurrency: 'all' } },
      /function\.reservedConcurrency: must be "fitted", "none" or .*"all"/,
    ],
    [
      'an authorisation',
      { api: { authorization: 'cognito' } },
      /api\.authorization: .*jwt.*"cognito"/,
    ],
    [
      'an issuer',
      { api: { authorization: 'jwt', jwt: { issuer: 'login', audience: ['a'], scopes: [] } } },
      /api\.jwt\.issuer: must be the address of the issuer/,
    ],
    [
      'no audience',
      {
        api: {
          authorization: 'jwt',
          jwt: { issuer: 'https://login.example', audience: [], scopes: [] },
        },
      },
      /api\.jwt\.audience: /,
    ],
    [
      'a certificate',
      { api: { domain: { name: 'a.example', certificateArn: 'mine', hostedZone: null } } },
      /api\.domain\.certificateArn: must be the ARN of a certificate/,
    ],
    [
      'a threshold of an alarm',
      { alarms: { endpointLatencyMs: 0.5 } },
      /alarms\.endpointLatencyMs: .*it is 0\.5/,
    ],
    [
      'a time that no request waits',
      { alarms: { asynchronousOldestMinutes: 361 } },
      /alarms\.asynchronousOldestMinutes: .*360.*361/,
    ],
    [
      'an address',
      { alarms: { costAnomaly: { thresholdUsd: 5, email: 'ops', monitorArn: null } } },
      /alarms\.costAnomaly\.email: must be the address .*"ops"/,
    ],
    ['a null', { api: { burst: null } }, /api\.burst: .*it is null/],
  ];
  for (const [what, overrides, message] of wrong) {
    it(`names the field where ${what} is wrong`, () => {
      assert.throws(() => settingsWith(overrides), { name: 'SettingsError', message });
    });
  }

  it('names an unknown field and an unknown section', () => {
    assert.throws(() => settingsWith({ endpoint: { instanceTyp: 'ml.g5.xlarge' } }), {
      message: /endpoint\.instanceTyp: unknown setting/,
    });
    assert.throws(() => settingsWith({ endpoints: {} }), { message: /endpoints: unknown setting/ });
  });

  it('names every wrong field at once', () => {
    const overrides = { function: { memoryMib: 1 }, api: { burst: 0 } };
    assert.throws(
      () => settingsWith(overrides),
      (error) => {
        assert(error instanceof SettingsError);
        assert.match(error.message, /function\.memoryMib/);
        assert.match(error.message, /api\.burst/);
        return true;
      },
    );
  });

  it('refuses prefixes by which a result would be taken for a photo', () => {
    for (const descriptionsPrefix of ['incoming/', 'incoming/done/']) {
      assert.throws(() => settingsWith({ catalogue: { descriptionsPrefix } }), {
        message: /catalogue\.descriptionsPrefix: must lie outside/,
      });
    }
  });

  it('refuses prefixes of which one lies in the other', () => {
    for (const [catalogue, message] of [
      [
        { failuresPrefix: 'descriptions/failures/' },
        /catalogue\.failuresPrefix: must lie outside of catalogue\.descriptionsPrefix/,
      ],
      [{ failuresPrefix: 'incoming/' }, /failuresPrefix: .* would be taken for a photo/],
      [{ callsPrefix: 'failures/' }, /catalogue\.callsPrefix: .*catalogue\.failuresPrefix/],
      [{ claimsPrefix: 'failures/' }, /catalogue\.claimsPrefix: .*catalogue\.failuresPrefix/],
    ] as const) {
      assert.throws(() => settingsWith({ catalogue }), { message });
    }
  });

  it('refuses what stands between several fields, and names the one to change', () => {
    const certificateArn = 'arn:aws:acm:eu-west-1:111122223333:certificate/1-2';
    const jwt = { issuer: 'https://login.example/', audience: ['lookbook'], scopes: [] };
    const domain = { name: 'api.shop.example', certificateArn, hostedZone: null };
    const conflicts: [Overrides, RegExp][] = [
      [
        { endpoint: { instanceCount: 3 }, scaling: { maximumInstances: 2 } },
        /scaling\.maximumInstances: must be at least 3, .*it is 2/,
      ],
      [
        { rollout: { strategy: 'canary' } },
        /rollout\.canaryPercentage: of the 1 instances .* a canary needs two instances; it is 50/,
      ],
      [
        { endpoint: { instanceCount: 3 }, rollout: { strategy: 'canary', canaryPercentage: 33 } },
        /rollout\.canaryPercentage: .*an instance at least.*; it is 33/,
      ],
      [
        { endpoint: { mode: 'scale-to-zero' }, rollout: { strategy: 'canary' } },
        /rollout\.strategy: must be "all-at-once" where endpoint\.mode is "scale-to-zero"/,
      ],
      [
        { function: { provisionedConcurrency: 9 } },
        /function\.provisionedConcurrency: must be at most the 8 invocations .*it is 9/,
      ],
      [
        { function: { reservedConcurrency: 1 } },
        /uploads\.maximumConcurrency: must be at most the 1 invocations .*it is 2/,
      ],
      [
        { endpoint: { instanceCount: 500, productsPerInstance: 21 } },
        /function\.reservedConcurrency: must be at most 10000 .* comes to 10500 .*; it is "fitted"/,
      ],
      [
        { function: { reservedConcurrency: 10_001 } },
        /function\.reservedConcurrency: must be at most 10000 .*; it is 10001/,
      ],
      [
        { stack: { name: 'L'.repeat(116) }, endpoint: { name: 'blip2' } },
        /stack\.name: must be shorter, because the API is called <stack\.name>-descriptions in at most 128/,
      ],
      [{ api: { authorization: 'jwt' } }, /api\.jwt: must say whose tokens .*it is null/],
      [{ api: { jwt } }, /api\.jwt: must be null where api\.authorization is "iam"/],
      [
        { api: { domain: { ...domain, hostedZone: { id: 'Z1', name: 'op.example' } } } },
        /api\.domain\.name: must lie in api\.domain\.hostedZone \("op\.example"\)/,
      ],
      [
        { endpoint: { mode: 'asynchronous' }, function: { url: 'stream' } },
        /function\.url: must be "none": .*endpoint\.mode "asynchronous" leaves out/,
      ],
      [
        { endpoint: { mode: 'asynchronous' }, function: { provisionedConcurrency: 1 } },
        /function\.provisionedConcurrency: must be null: .*"asynchronous" leaves out/,
      ],
      [
        { endpoint: { mode: 'asynchronous' }, api: { domain } },
        /api\.domain: must be null: .*endpoint\.mode "asynchronous" leaves out/,
      ],
      [
        { stack: { name: `L${'o'.repeat(57)}` } },
        /stack\.name: must be shorter, .* Lo+-blip2 in at most 63 characters, or endpoint\.name/,
      ],
      [
        { catalogue: { capturesPrefix: 'incoming/seen/' } },
        /catalogue\.capturesPrefix: must lie outside of catalogue\.incomingPrefix/,
      ],
    ];
    for (const [overrides, message] of conflicts) {
      assert.throws(() => settingsWith(overrides), { name: 'SettingsError', message });
    }
    const fine: Overrides[] = [
      { endpoint: { instanceCount: 3 }, scaling: { maximumInstances: 3 } },
      { endpoint: { instanceCount: 2 }, rollout: { strategy: 'canary' } },
      { function: { provisionedConcurrency: 8 } },
      { function: { provisionedConcurrency: 9, reservedConcurrency: 'none' } },
      { api: { authorization: 'jwt', jwt } },
      { api: { domain: { ...domain, hostedZone: { id: 'Z1', name: 'shop.example' } } } },
      { stack: { name: `L${'o'.repeat(56)}` } },
      { endpoint: { instanceCount: 500, productsPerInstance: 20 } },
      { stack: { name: 'L'.repeat(115) }, endpoint: { name: 'blip2' } },
      { stack: { name: 'L'.repeat(58) }, endpoint: { name: 'blip2' } },
    ];
    for (const overrides of fine) {
      assert.doesNotThrow(() => settingsWith(overrides));
    }
  });

  it('refuses the CUDA image on an instance without a GPU', () => {
    assert.throws(() => settingsWith({ endpoint: { instanceType: 'ml.c7i.2xlarge' } }), {
      message: /endpoint\.containerImage: "cuda" needs an instance with a GPU/,
    });
  });

  it('refuses more uploads at a time than the endpoint has room for', () => {
    const uploads = { maximumConcurrency: 3 };
    assert.throws(() => settingsWith({ uploads }), {
      message:
        /uploads\.maximumConcurrency: times the 4 products .* at most 8, .*endpoint\.instanceCount.*; it is 3/,
    });
    const enough: Overrides[] = [
      { uploads, endpoint: { instanceCount: 2 } },
      { uploads, endpoint: { productsPerInstance: 12 } },
      { uploads, function: { productConcurrency: 2 } },
      // A message a batch is a product at a time.
      { uploads: { maximumConcurrency: 8, batchSize: 1 } },
    ];
    for (const overrides of enough) {
      assert.doesNotThrow(() => settingsWith(overrides));
    }
  });

  it('refuses a batch whose last products would have no time', () => {
    assert.throws(() => settingsWith({ function: { timeoutSeconds: 10 } }), {
      message:
        /uploads\.batchSize: .*4 products at a time .* 2 turns of 5 s .*timeoutSeconds \(10\); it is 8/,
    });
    assert.doesNotThrow(() => settingsWith({ function: { timeoutSeconds: 11 } }));
    assert.doesNotThrow(() =>
      settingsWith({ function: { timeoutSeconds: 10 }, uploads: { batchSize: 4 } }),
    );
  });

  it('refuses a large batch without a window, which Lambda would refuse', () => {
    const uploads = { batchSize: 11, batchingWindowSeconds: 0 };
    assert.throws(() => settingsWith({ uploads }), {
      message: /uploads\.batchingWindowSeconds: .*uploads\.batchSize \(11\) is over 10; it is 0/,
    });
    assert.doesNotThrow(() => settingsWith({ uploads: { ...uploads, batchSize: 10 } }));
  });

  it('refuses variables that the stack or Lambda sets', () => {
    const variables = {
      ENDPOINT_NAME: 'x',
      AWS_REGION: 'x',
      OUTPUT_BUCKET: 'x',
      MAX_TOKENS: '500',
      PRODUCT_CONCURRENCY: '8',
      IDEMPOTENCY_LOCATION: 's3://bucket/calls/',
      GUARDRAIL_ID: 'gr1abc',
      RESPONSE_MODE: 'stream',
      INFERENCE_COMPONENT_NAME: 'blip2',
    };
    assert.throws(
      () => settingsWith({ function: { environment: variables } }),
      (error) => {
        assert(error instanceof SettingsError);
        assert.match(
          error.message,
          /environment\.ENDPOINT_NAME: must be left out: it follows endpoint\.name/,
        );
        assert.match(error.message, /environment\.AWS_REGION: must be left out: it is AWS Lambda/);
        assert.match(error.message, /environment\.OUTPUT_BUCKET: must be left out/);
        assert.match(error.message, /PRODUCT_CONCURRENCY: .*follows function\.productConcurrency/);
        assert.match(error.message, /IDEMPOTENCY_LOCATION: .*follows api\.idempotencyDays/);
        assert.match(error.message, /GUARDRAIL_ID: .*follows bedrock\.guardrail/);
        assert.match(error.message, /RESPONSE_MODE: .*follows function\.url/);
        assert.match(error.message, /INFERENCE_COMPONENT_NAME: .*follows endpoint\.mode/);
        assert.doesNotMatch(error.message, /MAX_TOKENS/);
        return true;
      },
    );
  });

  it('says which file can not be read and why', () => {
    assert.throws(() => loadSettings('no/such/file.json'), {
      message: /no\/such\/file\.json:\n.*ENOENT/,
    });
    const broken = scratchFile('broken.json', '{"endpoint": ');
    assert.throws(() => loadSettings(broken), { message: /broken\.json:\n.*JSON/ });
    const list = scratchFile('list.json', '[]');
    assert.throws(() => loadSettings(list), { message: /must be a JSON object/ });
    const flat = scratchFile('flat.json', '{"endpoint": "x"}');
    assert.throws(() => loadSettings(flat), { message: /endpoint: .*expected object.*"x"/ });
  });
});
