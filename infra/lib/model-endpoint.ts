import { type Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  Grant,
  type IGrantable,
  Policy,
  PolicyStatement,
  Role,
  ServicePrincipal,
} from 'aws-cdk-lib/aws-iam';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { CfnEndpoint, CfnEndpointConfig, CfnModel } from 'aws-cdk-lib/aws-sagemaker';
import { Construct } from 'constructs';
import type { ModelData } from './model-data.ts';
import type { ModelImage } from './model-image.ts';

/** Settings of a {@link ModelEndpoint}. */
export interface ModelEndpointProps {
  readonly endpointName: string;
  readonly instanceType: string;
  readonly instanceCount: number;
  readonly image: ModelImage;
  readonly modelData: ModelData;
  /** Further environment variables of the container. */
  readonly environment: Record<string, string>;
  /**
   * The instance's system image, which decides the version of the NVIDIA driver.
   *
   * @default - SageMaker's own choice, whose driver for G5 is too old for CUDA 12 and later
   */
  readonly inferenceAmiVersion?: string;
  /** How long `/ping` may take to answer 200 after the container was started. */
  readonly startupHealthCheckTimeout: Duration;
  /** How long the fetching of the checkpoint may take. */
  readonly modelDataDownloadTimeout: Duration;
  readonly logRetention: RetentionDays;
}

/** A real-time SageMaker endpoint that serves one checkpoint with the model server. */
export class ModelEndpoint extends Construct {
  readonly endpointArn: string;
  readonly executionRole: Role;

  constructor(scope: Construct, id: string, props: ModelEndpointProps) {
    super(scope, id);
    // Not the resource's Ref: whoever invokes the endpoint need not wait until it is in service.
    this.endpointArn = Stack.of(this).formatArn({
      service: 'sagemaker',
      resource: 'endpoint',
      // SageMaker writes endpoint names in lower case in ARNs.
      resourceName: props.endpointName.toLowerCase(),
    });
    this.executionRole = new Role(this, 'ExecutionRole', {
      assumedBy: new ServicePrincipal('sagemaker.amazonaws.com'),
      description: 'Pulls the image, fetches the checkpoint and writes the logs of the endpoint',
    });
    const permissions = this.grantExecution(props);

    const model = new CfnModel(this, 'Model', {
      executionRoleArn: this.executionRole.roleArn,
      // The model server calls nobody; SageMaker itself fetches the checkpoint and takes the logs.
      enableNetworkIsolation: true,
      primaryContainer: {
        image: props.image.uri,
        modelDataSource: props.modelData.source,
        environment: props.environment,
      },
    });
    // SageMaker tries the role when the model is created.
    model.node.addDependency(permissions);

    const config = new CfnEndpointConfig(this, 'Config', {
      productionVariants: [
        {
          variantName: 'AllTraffic',
          modelName: model.attrModelName,
          instanceType: props.instanceType,
          initialInstanceCount: props.instanceCount,
          initialVariantWeight: 1,
          inferenceAmiVersion: props.inferenceAmiVersion,
          containerStartupHealthCheckTimeoutInSeconds: props.startupHealthCheckTimeout.toSeconds(),
          modelDataDownloadTimeoutInSeconds: props.modelDataDownloadTimeout.toSeconds(),
        },
      ],
    });
    new CfnEndpoint(this, 'Endpoint', {
      endpointName: props.endpointName,
      endpointConfigName: config.attrEndpointConfigName,
    });
  }

  /** Allows invoking this endpoint. */
  grantInvoke(grantee: IGrantable): Grant {
    return Grant.addToPrincipal({
      grantee,
      actions: ['sagemaker:InvokeEndpoint'],
      resourceArns: [this.endpointArn],
    });
  }

  private grantExecution(props: ModelEndpointProps): Policy {
    // SageMaker fixes the name; made here so that the logs do not outlive their retention.
    const logGroup = new LogGroup(this, 'Logs', {
      logGroupName: `/aws/sagemaker/Endpoints/${props.endpointName}`,
      retention: props.logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    return new Policy(this, 'ExecutionPolicy', {
      roles: [this.executionRole],
      statements: [
        ...props.modelData.readStatements(Stack.of(this)),
        new PolicyStatement({
          actions: [
            'ecr:BatchCheckLayerAvailability',
            'ecr:BatchGetImage',
            'ecr:GetDownloadUrlForLayer',
          ],
          resources: [props.image.repository.repositoryArn],
        }),
        // IAM knows no resource for it: the token is the registry's, not a repository's.
        new PolicyStatement({ actions: ['ecr:GetAuthorizationToken'], resources: ['*'] }),
        new PolicyStatement({
          actions: [
            'logs:CreateLogGroup',
            'logs:CreateLogStream',
            'logs:DescribeLogStreams',
            'logs:PutLogEvents',
          ],
          // The group and, with ":*" at its end, the streams in it.
          resources: [logGroup.logGroupArn],
        }),
        // IAM knows no resource for it; the condition confines it to SageMaker's own metrics.
        new PolicyStatement({
          actions: ['cloudwatch:PutMetricData'],
          resources: ['*'],
          conditions: { StringLike: { 'cloudwatch:namespace': '/aws/sagemaker/*' } },
        }),
      ],
    });
  }
}
