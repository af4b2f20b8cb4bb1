import { ArnFormat, Stack } from 'aws-cdk-lib';
import type { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import { Grant, Policy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { Workflow } from '../workflow.ts';
import {
  backfillDefinition,
  type BackfillDefinitionProps,
  DESCRIBE_LABEL,
} from './backfill-definition.ts';
import { CheapServices, type CheapServicesProps } from './cheap-services.ts';
import { CHEAP_LABELS, type CheapWayProps } from './cheap-states.ts';

/** Settings of the cheap way of a {@link Backfill}. */
export interface CheapProps
  extends
    Omit<CheapWayProps, 'toleratedFailurePercentage'>,
    Pick<CheapServicesProps, 'image' | 'modelData' | 'environment' | 'textModel'> {}

/** Settings of a {@link Backfill}. */
export interface BackfillProps extends Omit<BackfillDefinitionProps, 'cheapWay'> {
  /**
   * What answers and writes in batches for executions that ask for it.
   *
   * @default - nothing does
   */
  readonly cheap?: CheapProps;
  /** Where the photos are, and the results of the run. */
  readonly bucket: IBucket;
  /** What a role needs to read and write what is encrypted there; none where nothing is needed. */
  readonly keyStatements: readonly PolicyStatement[];
  /** Describes a batch. */
  readonly function: IFunction;
  readonly logRetention: RetentionDays;
  /**
   * Who is told when a run failed.
   *
   * @default - nobody; CloudWatch shows it
   */
  readonly alarmTopic?: ITopic;
}

/** Describes a catalogue that is there already: a Distributed Map of Step Functions over a listing. */
export class Backfill extends Construct {
  readonly stateMachine: StateMachine;
  readonly alarm: Alarm;

  constructor(scope: Construct, id: string, props: BackfillProps) {
    super(scope, id);
    const { bucket, cheap, resultsPrefix } = props;
    const services =
      cheap === undefined
        ? undefined
        : new CheapServices(this, 'Cheap', {
            ...cheap,
            bucket,
            keyStatements: props.keyStatements,
            resultsPrefix,
          });
    const workflow = new Workflow(this, 'Workflow', {
      description:
        'Lists photos, has them described in batches and writes down what became of them',
      definition: backfillDefinition({ ...props, cheapWay: cheap }),
      substitutions: {
        Bucket: bucket.bucketName,
        Function: props.function.functionArn,
        ...(services === undefined
          ? {}
          : {
              TransformModel: services.transformModelName,
              BatchRole: services.batchRole.roleArn,
            }),
      },
      failure:
        'A backfill did not describe every photo: its execution says how many are left; start it again, or redrive it',
      logRetention: props.logRetention,
      alarmTopic: props.alarmTopic,
    });
    this.stateMachine = workflow.stateMachine;
    this.alarm = workflow.alarm;
    const permissions = new Policy(this, 'Permissions', {
      roles: [workflow.role],
      statements: [
        new PolicyStatement({
          actions: ['s3:ListBucket'],
          resources: [bucket.bucketArn],
          conditions: {
            StringLike: {
              's3:prefix': [
                `${props.incomingPrefix}*`,
                ...(cheap === undefined ? [] : [`${resultsPrefix}*`]),
              ],
            },
          },
        }),
        // A file of results is written in parts, and read again when a run is redriven.
        new PolicyStatement({
          actions: [
            's3:AbortMultipartUpload',
            's3:GetObject',
            's3:ListMultipartUploadParts',
            's3:PutObject',
          ],
          resources: [bucket.arnForObjects(`${resultsPrefix}*`)],
        }),
        new PolicyStatement({
          actions: ['lambda:InvokeFunction'],
          resources: [props.function.functionArn],
        }),
        ...props.keyStatements,
        ...(services?.statements() ?? []),
      ],
    });
    this.stateMachine.node.addDependency(permissions);
    if (cheap !== undefined) {
      this.grantFiles(props);
    }
    // Apart, because it names the state machine, which waits for the other one.
    new Policy(this, 'MapPermissions', {
      roles: [workflow.role],
      statements: this.mapStatements(
        cheap === undefined ? [DESCRIBE_LABEL] : [DESCRIBE_LABEL, ...CHEAP_LABELS],
      ),
    });
  }

  /** The outputs of the stack, by name. */
  get outputs(): Record<string, string> {
    return { BackfillStateMachineArn: this.stateMachine.stateMachineArn };
  }

  /** What the function reads and writes in the steps of the cheap way. */
  private grantFiles({ bucket, function: grantee, resultsPrefix }: BackfillProps): void {
    const files = (folders: readonly string[]) =>
      folders.map((folder) => bucket.arnForObjects(`${resultsPrefix}*/${folder}/*`));
    const written = ['photos', 'questions', 'prompts'];
    // To write over a known state, S3 wants the right to read it as well.
    Grant.addToPrincipal({
      grantee,
      actions: ['s3:GetObject'],
      resourceArns: files([...written, 'answers', 'texts']),
    });
    Grant.addToPrincipal({ grantee, actions: ['s3:PutObject'], resourceArns: files(written) });
  }

  /** A Distributed Map starts and follows executions of its own state machine. */
  private mapStatements(labels: readonly string[]): PolicyStatement[] {
    const { stateMachineArn, stateMachineName } = this.stateMachine;
    const arn = (resource: string, resourceName: string) =>
      Stack.of(this).formatArn({
        service: 'states',
        resource,
        resourceName,
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      });
    const batches = labels.map((label) => arn('execution', `${stateMachineName}/${label}:*`));
    return [
      new PolicyStatement({ actions: ['states:StartExecution'], resources: [stateMachineArn] }),
      new PolicyStatement({
        actions: ['states:DescribeExecution', 'states:StopExecution'],
        resources: [arn('execution', `${stateMachineName}:*`), ...batches],
      }),
      new PolicyStatement({ actions: ['states:RedriveExecution'], resources: batches }),
      new PolicyStatement({
        actions: ['states:DescribeMapRun'],
        resources: [arn('mapRun', `${stateMachineName}/${DESCRIBE_LABEL}:*`)],
      }),
    ];
  }
}
