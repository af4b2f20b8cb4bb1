import { Stack } from 'aws-cdk-lib';
import { Policy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { CfnModel } from 'aws-cdk-lib/aws-sagemaker';
import { Construct } from 'constructs';
import { type BedrockModel, invokeModelStatements } from '../bedrock-model.ts';
import type { ModelData } from '../model-data.ts';
import type { ModelImage } from '../model-image.ts';
import { jobLogStatement, metricsStatement, pullStatements } from '../sagemaker-permissions.ts';

/** Settings of {@link CheapServices}. */
export interface CheapServicesProps {
  readonly bucket: IBucket;
  /** What a role needs to read and write what is encrypted there. */
  readonly keyStatements: readonly PolicyStatement[];
  /** Below which the runs have their files. */
  readonly resultsPrefix: string;
  /** The model server for Batch Transform, which need not be the endpoint's. */
  readonly image: ModelImage;
  readonly modelData: ModelData;
  /** Environment variables of its container. */
  readonly environment: Record<string, string>;
  /** The model that writes in batches. */
  readonly textModel: BedrockModel;
  /** What the names of the transform jobs begin with. */
  readonly jobPrefix: string;
}

/** What answers and writes in batches: a model for Batch Transform, a role for Bedrock. */
export class CheapServices extends Construct {
  readonly transformModelName: string;
  /** The role in which Bedrock reads prompts and writes texts. */
  readonly batchRole: Role;
  private readonly props: CheapServicesProps;

  constructor(scope: Construct, id: string, props: CheapServicesProps) {
    super(scope, id);
    this.props = props;
    this.transformModelName = this.transformModel().attrModelName;
    this.batchRole = this.bedrockRole();
  }

  /** What a state machine needs that has the jobs done. */
  statements(): PolicyStatement[] {
    const stack = Stack.of(this);
    const transformJobs = stack.formatArn({
      service: 'sagemaker',
      resource: 'transform-job',
      resourceName: `${this.props.jobPrefix}-*`,
    });
    const textJobs = stack.formatArn({
      service: 'bedrock',
      resource: 'model-invocation-job',
      resourceName: '*',
    });
    return [
      new PolicyStatement({
        actions: [
          'sagemaker:AddTags',
          'sagemaker:CreateTransformJob',
          'sagemaker:DescribeTransformJob',
          'sagemaker:ListTags',
          'sagemaker:StopTransformJob',
        ],
        resources: [transformJobs],
      }),
      // By this rule, which is its own, Step Functions hears that a job has ended.
      new PolicyStatement({
        actions: ['events:DescribeRule', 'events:PutRule', 'events:PutTargets'],
        resources: [
          stack.formatArn({
            service: 'events',
            resource: 'rule',
            resourceName: 'StepFunctionsGetEventsForSageMakerTransformJobsRule',
          }),
        ],
      }),
      new PolicyStatement({
        actions: ['bedrock:CreateModelInvocationJob'],
        resources: [...this.textModelArns(), textJobs],
      }),
      // Bedrock gives a job its id: no name is known beforehand.
      new PolicyStatement({ actions: ['bedrock:GetModelInvocationJob'], resources: [textJobs] }),
      new PolicyStatement({
        actions: ['iam:PassRole'],
        resources: [this.batchRole.roleArn],
        conditions: { StringEquals: { 'iam:PassedToService': 'bedrock.amazonaws.com' } },
      }),
    ];
  }

  private transformModel(): CfnModel {
    const { image, modelData, environment } = this.props;
    const stack = Stack.of(this);
    const role = new Role(this, 'TransformRole', {
      assumedBy: new ServicePrincipal('sagemaker.amazonaws.com'),
      description: 'Answers the questions of a backfill by Batch Transform',
    });
    const permissions = new Policy(this, 'TransformPolicy', {
      roles: [role],
      statements: [
        ...modelData.readStatements(stack),
        ...pullStatements([image.repository]),
        ...this.fileStatements('questions', 'answers'),
        jobLogStatement(stack, 'TransformJobs'),
        metricsStatement(),
      ],
    });
    const model = new CfnModel(this, 'TransformModel', {
      executionRoleArn: role.roleArn,
      enableNetworkIsolation: true,
      primaryContainer: {
        image: image.uri,
        modelDataSource: modelData.source,
        environment,
      },
    });
    // SageMaker tries the role when the model is created.
    model.node.addDependency(permissions);
    return model;
  }

  private bedrockRole(): Role {
    const stack = Stack.of(this);
    const role = new Role(this, 'BatchRole', {
      assumedBy: new ServicePrincipal('bedrock.amazonaws.com', {
        conditions: {
          StringEquals: { 'aws:SourceAccount': stack.account },
          ArnLike: {
            'aws:SourceArn': stack.formatArn({
              service: 'bedrock',
              resource: 'model-invocation-job',
              resourceName: '*',
            }),
          },
        },
      }),
      description: 'Writes the texts of a backfill by batch inference',
    });
    new Policy(this, 'BatchPolicy', {
      roles: [role],
      statements: [
        ...this.fileStatements('prompts', 'texts'),
        // A profile's models are invoked in this role, a model itself in none.
        ...(this.isProfile ? this.invokeStatements() : []),
      ],
    });
    return role;
  }

  /** Reading one folder of every run and writing another. */
  private fileStatements(read: string, written: string): PolicyStatement[] {
    const { bucket, keyStatements, resultsPrefix } = this.props;
    return [
      ...keyStatements,
      new PolicyStatement({
        actions: ['s3:GetObject'],
        resources: [bucket.arnForObjects(`${resultsPrefix}*/${read}/*`)],
      }),
      new PolicyStatement({
        actions: ['s3:AbortMultipartUpload', 's3:PutObject'],
        resources: [bucket.arnForObjects(`${resultsPrefix}*/${written}/*`)],
      }),
      new PolicyStatement({
        actions: ['s3:ListBucket'],
        resources: [bucket.bucketArn],
        conditions: { StringLike: { 's3:prefix': `${resultsPrefix}*` } },
      }),
    ];
  }

  private get isProfile(): boolean {
    return this.props.textModel.kind.startsWith('profile');
  }

  private invokeStatements(): PolicyStatement[] {
    const stack = Stack.of(this);
    return invokeModelStatements(stack, this.props.textModel, stack.region);
  }

  /** The model or profile itself, and the models behind a profile. */
  private textModelArns(): string[] {
    return this.invokeStatements().flatMap(({ resources }) => resources);
  }
}
