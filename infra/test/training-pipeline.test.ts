import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Template } from 'aws-cdk-lib/assertions';
import { lostStates, machineOf, placeholders, stateOf } from './states.ts';
import { permissions, stackOf, statementsOf, templateOf } from './support.ts';
import { training, TRAINER_URI } from './training-overrides.ts';

const PIPELINE = 'TrainingPipelineWorkflowStateMachine';
const TOPIC = 'arn:aws:sns:eu-west-1:111122223333:approvals';

/** The arguments of a job, the parts that tests look at. */
interface Job {
  readonly AppSpecification: {
    readonly ImageUri: string;
    readonly ContainerArguments: readonly string[] | string;
  };
  readonly NetworkConfig: { readonly EnableNetworkIsolation: boolean };
  readonly ProcessingResources: { readonly ClusterConfig: { readonly InstanceType: string } };
  readonly HyperParameters: string;
  readonly [member: string]: unknown;
}

const jobOf = (overrides: Record<string, unknown>, name: string) =>
  stateOf(machineOf(templateOf(training(overrides)), PIPELINE).definition, name)
    .Arguments as unknown as Job;

describe('training pipeline', () => {
  const template = templateOf(training());
  const { definition, substitutions, text } = machineOf(template, PIPELINE);

  it('prepares, trains, evaluates, and registers what is good enough', () => {
    const way = ['CheckInput'];
    for (let name: string | undefined = 'Begin'; name !== undefined;) {
      way.push(name);
      const { Next, Choices } = stateOf(definition, name);
      name = Choices?.[0]?.Next ?? Next;
    }
    assert.deepEqual(way, [
      'CheckInput',
      'Begin',
      'Prepare',
      'Train',
      'Evaluate',
      'ReadScores',
      'Compare',
      'Register',
      'Registered',
    ]);
    assert.equal(stateOf(definition, 'Compare').Default, 'TooLow');
  });

  it('has no state that nothing leads to, and a value for every name', () => {
    const told = machineOf(templateOf(training({ approvalTopicArn: TOPIC })), PIPELINE);
    for (const machine of [{ definition, substitutions, text }, told]) {
      assert.deepEqual(lostStates(machine.definition), []);
      assert.deepEqual(Object.keys(machine.substitutions).sort(), placeholders(machine.text));
    }
  });

  it('runs every job with the trainer, cut off from the network, and waits for its end', () => {
    assert.equal(substitutions.TrainerImage, TRAINER_URI);
    for (const [name, call] of [
      ['Prepare', 'createProcessingJob'],
      ['Train', 'createTrainingJob'],
      ['Evaluate', 'createProcessingJob'],
    ] as const) {
      const { Resource, Arguments } = stateOf(definition, name);
      assert.equal(Resource, `arn:aws:states:::sagemaker:${call}.sync`);
      const isolation = /"EnableNetworkIsolation":(\w+)/.exec(JSON.stringify(Arguments))?.[1];
      assert.equal(isolation, 'true', name);
    }
  });

  it('names a job by run and redrive, which IAM knows by its beginning', () => {
    const { ProcessingJobName } = jobOf({}, 'Prepare');
    assert.equal(
      ProcessingJobName,
      '{% "test-532eaabd-prepare-" & $job & "-" & $string($states.context.Execution.RedriveCount) %}',
    );
  });

  it('names no job with more characters than SageMaker takes', () => {
    const { definition: long } = machineOf(
      Template.fromStack(stackOf(training(), `L${'o'.repeat(50)}kbook`)),
      PIPELINE,
    );
    const { job } = stateOf(long, 'Begin').Assign as Record<string, string>;
    const [, ofRun] = /, 0, (\d+)\)/.exec(job ?? '') ?? [];
    for (const [step, member] of [
      ['Prepare', 'ProcessingJobName'],
      ['Train', 'TrainingJobName'],
      ['Evaluate', 'ProcessingJobName'],
    ] as const) {
      const name = String(stateOf(long, step).Arguments?.[member]);
      const [, beginning = ''] = /^\{% "([a-z0-9-]+)" & \$job & "-" & /.exec(name) ?? [];
      assert(beginning.endsWith(`-${step.toLowerCase()}-`), name);
      // What stands for the run, a hyphen and a count of three digits.
      assert(beginning.length + Number(ofRun) + '-999'.length <= 63, name);
    }
  });

  it('trains on spot instances and goes on from checkpoints, where the settings say so', () => {
    const spot = jobOf({ maximumRuntimeHours: 10, maximumWaitHours: 20 }, 'Train');
    assert.equal(spot.EnableManagedSpotTraining, true);
    assert.deepEqual(spot.StoppingCondition, {
      MaxRuntimeInSeconds: 36_000,
      MaxWaitTimeInSeconds: 72_000,
    });
    assert.deepEqual(spot.CheckpointConfig, {
      S3Uri: '{% "s3://${Bucket}/checkpoints/" & $run & "/" %}',
      LocalPath: '/opt/ml/checkpoints',
    });
    const onDemand = jobOf({ spot: false }, 'Train');
    assert.equal(onDemand.EnableManagedSpotTraining, false);
    assert.deepEqual(onDemand.StoppingCondition, { MaxRuntimeInSeconds: 86_400 });
  });

  it('leaves the model as files, which is how the endpoint takes it', () => {
    assert.deepEqual(jobOf({}, 'Train').OutputDataConfig, {
      S3OutputPath: '{% "s3://${Bucket}/runs/" & $run & "/training" %}',
      CompressionType: 'NONE',
    });
    assert.match(
      JSON.stringify(stateOf(definition, 'Register').Arguments),
      /"S3Uri":"{% \$model %}","S3DataType":"S3Prefix","CompressionType":"None"/,
    );
  });

  it('lets an execution change the hyperparameters of the settings', () => {
    const { definition: other } = machineOf(
      templateOf(training({ hyperparameters: { epochs: '3' } })),
      PIPELINE,
    );
    const { Assign } = stateOf(other, 'Begin');
    assert.equal(
      (Assign as Record<string, string>).hyperparameters,
      '{% $merge([{"epochs":"3"}, $exists($states.input.hyperparameters) ? $states.input.hyperparameters : {}]) %}',
    );
  });

  it('computes where the instance has something to compute with', () => {
    assert(jobOf({}, 'Evaluate').AppSpecification.ContainerArguments.includes('cuda'));
    const cpu = { instanceType: 'ml.c7i.4xlarge' };
    const { AppSpecification, ProcessingResources } = jobOf(cpu, 'Evaluate');
    assert(AppSpecification.ContainerArguments.includes('cpu'));
    assert.equal(ProcessingResources.ClusterConfig.InstanceType, 'ml.c7i.4xlarge');
    assert.equal(
      jobOf(cpu, 'Prepare').ProcessingResources.ClusterConfig.InstanceType,
      'ml.m5.2xlarge',
    );
  });

  it('decides by the score of the settings', () => {
    const { definition: other } = machineOf(
      templateOf(training({ metric: 'free.accuracy', threshold: 0.75 })),
      PIPELINE,
    );
    assert.equal(
      stateOf(other, 'Compare').Choices?.[0]?.Condition,
      '{% $type($summary.free.accuracy.value) = "number" ? $summary.free.accuracy.value >= 0.75 : false %}',
    );
  });

  it('tells a topic of what comes out, and may publish there alone', () => {
    const told = templateOf(training({ approvalTopicArn: TOPIC }));
    const machine = machineOf(told, PIPELINE);
    assert.equal(stateOf(machine.definition, 'Register').Next, 'AskForApproval');
    assert.equal(stateOf(machine.definition, 'Compare').Default, 'TellOfTooLow');
    assert.equal(machine.substitutions.Topic, TOPIC);
    const publish = permissions(statementsOf(told, 'TrainingPipelineWorkflowRole')).filter((one) =>
      one.startsWith('sns:'),
    );
    assert.deepEqual(publish, [`sns:Publish → ${TOPIC}`]);
  });

  it('may start its jobs, pass their role, read the scores and register, and nothing else', () => {
    const sagemaker = 'arn:${AWS::Partition}:sagemaker:${AWS::Region}:${AWS::AccountId}';
    const allowed = permissions(statementsOf(template, 'TrainingPipelinePermissions')).map((one) =>
      one
        .replace(/\$\{(\w+?)[0-9A-F]{8}\.Arn\}/, '$1')
        .replace(/test-models-.*?(?=\/\*$|$)/, 'GROUP'),
    );
    const rules = 'arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:rule';
    assert.deepEqual(
      allowed.sort(),
      [
        ...['DescribeRule', 'PutRule', 'PutTargets'].flatMap((action) =>
          ['Processing', 'Training'].map(
            (kind) =>
              `events:${action} → ${rules}/StepFunctionsGetEventsForSageMaker${kind}JobsRule`,
          ),
        ),
        'iam:PassRole → TrainingJobsRole',
        's3:GetObject → TrainingDataBucket/runs/*/evaluation/summary.json',
        ...['AddTags', 'ListTags'].flatMap((action) =>
          ['processing-job', 'training-job'].map(
            (kind) => `sagemaker:${action} → ${sagemaker}:${kind}/test-532eaabd-*`,
          ),
        ),
        ...['Create', 'Describe', 'Stop'].flatMap((action) => [
          `sagemaker:${action}ProcessingJob → ${sagemaker}:processing-job/test-532eaabd-*`,
          `sagemaker:${action}TrainingJob → ${sagemaker}:training-job/test-532eaabd-*`,
        ]),
        `sagemaker:CreateModelPackage → ${sagemaker}:model-package-group/GROUP`,
        `sagemaker:CreateModelPackage → ${sagemaker}:model-package/GROUP/*`,
      ].sort(),
    );
    template.hasResourceProperties('AWS::StepFunctions::StateMachine', {
      LoggingConfiguration: { Level: 'ALL' },
      TracingConfiguration: { Enabled: true },
    });
  });

  it('alarms when a run failed', () => {
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      Namespace: 'AWS/States',
      MetricName: 'ExecutionsFailed',
      Threshold: 1,
      TreatMissingData: 'notBreaching',
    });
  });
});
