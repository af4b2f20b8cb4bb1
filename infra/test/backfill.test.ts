import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { lostStates, machineOf, placeholders, stateOf } from './states.ts';
import { type Overrides, permissions, settingsWith, statementsOf, templateOf } from './support.ts';

const MACHINE = 'BackfillWorkflowStateMachine';

function backfill(overrides: Record<string, unknown> = {}): Overrides {
  return { backfill: { enabled: true, ...overrides } };
}

describe('backfill', () => {
  const template = templateOf(backfill());
  const { definition, substitutions, text } = machineOf(template, MACHINE);
  const map = stateOf(definition, 'Describe');
  const batch = map.ItemProcessor;
  assert(batch !== undefined);

  it('is not there unless it is asked for', () => {
    templateOf().resourceCountIs('AWS::StepFunctions::StateMachine', 0);
  });

  it('goes through the photos of a listing, in batches of which the endpoint has room for', () => {
    assert.deepEqual(batch.ProcessorConfig, { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' });
    assert.equal(map.MaxConcurrency, 2);
    assert.equal(map.ToleratedFailurePercentage, 5);
    const reader = map.ItemReader as { Resource: string; Arguments: unknown };
    assert.equal(reader.Resource, 'arn:aws:states:::s3:listObjectsV2');
    assert.deepEqual(reader.Arguments, {
      Bucket: '${Bucket}',
      Prefix:
        '{% $exists($states.context.Execution.Input.prefix) ? $states.context.Execution.Input.prefix : "incoming/" %}',
    });
  });

  it('hands them to the function in the form of the sample event', () => {
    const event = JSON.parse(
      readFileSync(new URL('../../events/distributed-map-batch.json', import.meta.url), 'utf8'),
    ) as { BatchInput: object; Items: unknown[] };
    const { BatchInput, MaxItemsPerBatch } = map.ItemBatcher as {
      BatchInput: object;
      MaxItemsPerBatch: number;
    };
    assert.equal(MaxItemsPerBatch, 8);
    assert.deepEqual(Object.keys(BatchInput), Object.keys(event.BatchInput));
    assert.deepEqual(stateOf(batch, 'DescribeBatch').Arguments, {
      FunctionName: '${Function}',
      Payload: '{% $batch %}',
    });
  });

  it('counts the outcomes by the words that the function has for them', () => {
    const answers = readFileSync(
      new URL('../../lambda/src/entrypoints/distributed_map.rs', import.meta.url),
      'utf8',
    );
    const counted = JSON.stringify(stateOf(batch, 'DescribeBatch').Assign);
    for (const member of ['written', 'outcomes', 'outcome', 'failed', 'record']) {
      assert(counted.includes(member), member);
      assert(answers.includes(`"${member}"`), member);
    }
  });

  it('tries again what may succeed later, and fails the batch where it does not', () => {
    const { Choices, Default } = stateOf(batch, 'IsBatchDone');
    assert.deepEqual(
      Choices?.map(({ Next }) => Next),
      ['BatchDone', 'WaitForRoom'],
    );
    assert.equal(Default, 'BatchFailed');
    assert.equal(stateOf(batch, 'WaitForRoom').Next, 'DescribeBatch');
    assert.equal(stateOf(definition, 'IsAllDone').Default, 'NotAllDone');
  });

  it('has no state that nothing leads to, and a value for every name', () => {
    assert.deepEqual(lostStates(definition), []);
    assert.deepEqual(lostStates(batch), []);
    assert.deepEqual(Object.keys(substitutions).sort(), placeholders(text));
  });

  it('may list, invoke, write its results and start its own batches, and nothing else', () => {
    const plain = (prefix: string) =>
      permissions(statementsOf(template, prefix)).map((one) =>
        one.replaceAll(/\$\{(\w+?)[0-9A-F]{8}(\.Arn|\.Name)?\}/g, '$1'),
      );
    const states = 'arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}';
    assert.deepEqual(plain('BackfillPermissions').sort(), [
      'lambda:InvokeFunction → DescribeLive',
      ...['AbortMultipartUpload', 'GetObject'].map(
        (one) => `s3:${one} → CatalogueBucket/backfill/*`,
      ),
      's3:ListBucket → CatalogueBucket',
      ...['ListMultipartUploadParts', 'PutObject'].map(
        (one) => `s3:${one} → CatalogueBucket/backfill/*`,
      ),
    ]);
    assert.deepEqual(plain('BackfillMapPermissions').sort(), [
      `states:DescribeExecution → ${states}:execution:${MACHINE}/Describe:*`,
      `states:DescribeExecution → ${states}:execution:${MACHINE}:*`,
      `states:DescribeMapRun → ${states}:mapRun:${MACHINE}/Describe:*`,
      `states:RedriveExecution → ${states}:execution:${MACHINE}/Describe:*`,
      `states:StartExecution → ${MACHINE}`,
      `states:StopExecution → ${states}:execution:${MACHINE}/Describe:*`,
      `states:StopExecution → ${states}:execution:${MACHINE}:*`,
    ]);
    const [listing] = statementsOf(template, 'BackfillPermissions').filter(
      ({ Action }) => Action === 's3:ListBucket',
    );
    assert.deepEqual(listing?.Condition, { StringLike: { 's3:prefix': ['incoming/*'] } });
  });

  it('follows the settings', () => {
    const { definition: other } = machineOf(
      templateOf({
        ...backfill({ batchSize: 4, maximumConcurrency: 4, resultsPrefix: 'runs/' }),
        catalogue: { incomingPrefix: 'photos/' },
        endpoint: { instanceCount: 2 },
      }),
      MACHINE,
    );
    const { ItemBatcher, ItemReader, MaxConcurrency, ResultWriter } = stateOf(other, 'Describe');
    assert.equal((ItemBatcher as { MaxItemsPerBatch: number }).MaxItemsPerBatch, 4);
    assert.equal(MaxConcurrency, 4);
    assert.match(JSON.stringify(ItemReader), /photos\//);
    assert.match(JSON.stringify(ResultWriter), /\$run & /);
    assert.match(JSON.stringify(stateOf(other, 'Begin').Assign), /runs\//);
  });

  it('refuses more than the endpoint or the function has room for', () => {
    assert.throws(() => settingsWith(backfill({ maximumConcurrency: 3 })), {
      message: /backfill\.maximumConcurrency: .*4 products .* at most 8.*; it is 3/,
    });
    assert.throws(
      () => settingsWith({ ...backfill({ batchSize: 100 }), function: { timeoutSeconds: 60 } }),
      { message: /backfill\.batchSize: must be less.*25 turns of 5 s/ },
    );
    assert.doesNotThrow(() => settingsWith({ backfill: { maximumConcurrency: 3 } }));
  });

  it('refuses to write its results where something else lies', () => {
    assert.throws(() => settingsWith(backfill({ resultsPrefix: 'incoming/results/' })), {
      message: /backfill\.resultsPrefix: must lie outside of catalogue\.incomingPrefix/,
    });
  });
});
