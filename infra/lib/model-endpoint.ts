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
import {
  CfnEndpoint,
  CfnEndpointConfig,
  type CfnEndpointConfigProps,
  CfnInferenceComponent,
  CfnModel,
} from 'aws-cdk-lib/aws-sagemaker';
import { Construct } from 'constructs';
import { type EndpointMode, type EndpointNames, VARIANT_NAME } from './endpoint-names.ts';
import { blueGreen, copyByCopy, type Rollout } from './endpoint-rollout.ts';
import { EndpointScaling, type Scaling } from './endpoint-scaling.ts';
import type { ModelData } from './model-data.ts';
import type { ModelImage } from './model-image.ts';

/** A place in S3 that the endpoint writes to. */
export interface EndpointPlace {
  /** `s3://bucket/prefix/`. */
  readonly uri: string;
  /** What the endpoint's role needs for it. */
  readonly statements: readonly PolicyStatement[];
}

/** Settings of a {@link ModelEndpoint}. */
export interface ModelEndpointProps {
  readonly mode: EndpointMode;
  /** As {@link endpointNames} gives them for the mode. */
  readonly names: EndpointNames;
  readonly instanceType: string;
  /** Whether the instance has a GPU, which a copy of the model takes. */
  readonly gpu: boolean;
  /** Instances at first; with `real-time` also the fewest there are, in the other modes that is 0. */
  readonly instanceCount: number;
  readonly maximumInstances: number;
  readonly scaling: Scaling;
  readonly rollout: Rollout;
  /** Requests that an instance of an asynchronous endpoint is given at a time. */
  readonly requestsPerInstance: number;
  /** The memory that a copy of the model is promised with `scale-to-zero`. */
  readonly copyMemoryMib: number;
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
  /**
   * What is kept of requests and answers, and where.
   *
   * @default - nothing
   */
  readonly dataCapture?: { readonly samplingPercentage: number; readonly place: EndpointPlace };
  /**
   * Where an asynchronous endpoint finds requests and leaves answers.
   *
   * @default - needed in the mode `asynchronous`, and without meaning in the others
   */
  readonly asynchronous?: EndpointPlace;
  readonly logRetention: RetentionDays;
}

/** A SageMaker endpoint that serves one checkpoint with the model server. */
export class ModelEndpoint extends Construct {
  readonly executionRole: Role;
  readonly model: CfnModel;
  private readonly invokedArns: readonly string[];

  constructor(scope: Construct, id: string, props: ModelEndpointProps) {
    super(scope, id);
    const { names } = props;
    this.invokedArns = this.arnsOf(names);
    this.executionRole = new Role(this, 'ExecutionRole', {
      assumedBy: new ServicePrincipal('sagemaker.amazonaws.com'),
      description: 'Pulls the image, fetches the checkpoint and writes the logs of the endpoint',
    });
    const permissions = this.grantExecution(props);

    this.model = new CfnModel(this, 'Model', {
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
    this.model.node.addDependency(permissions);

    const config = new CfnEndpointConfig(this, 'Config', this.configuration(props));
    config.node.addDependency(permissions);
    const scales = props.mode !== 'real-time' || props.maximumInstances > props.instanceCount;
    const endpoint = new CfnEndpoint(this, 'Endpoint', {
      endpointName: names.endpoint,
      endpointConfigName: config.attrEndpointConfigName,
      ...(names.inferenceComponent === undefined
        ? {
            deploymentConfig: blueGreen(props.rollout),
            // An update under load must not fall back to the number of instances of the beginning.
            ...(scales
              ? {
                  retainAllVariantProperties: true,
                  excludeRetainedVariantProperties: [{ variantPropertyType: 'DataCaptureConfig' }],
                }
              : {}),
          }
        : {}),
    });
    const scaled =
      names.inferenceComponent === undefined
        ? endpoint
        : this.inferenceComponent(props, endpoint, names.inferenceComponent);
    if (scales) {
      new EndpointScaling(this, 'Scaling', {
        ...props.scaling,
        mode: props.mode,
        names,
        minimum: props.mode === 'real-time' ? props.instanceCount : 0,
        maximum: props.maximumInstances,
      }).node.addDependency(scaled);
    }
  }

  /** Allows invoking this endpoint. */
  grantInvoke(grantee: IGrantable): Grant {
    return Grant.addToPrincipal({
      grantee,
      actions: ['sagemaker:InvokeEndpoint'],
      resourceArns: [...this.invokedArns],
    });
  }

  /** Not the resources' Refs: whoever invokes the endpoint need not wait until it is in service. */
  private arnsOf({ endpoint, inferenceComponent }: EndpointNames): string[] {
    const arn = (resource: string, resourceName: string) =>
      Stack.of(this).formatArn({ service: 'sagemaker', resource, resourceName });
    return [
      // SageMaker writes endpoint names in lower case in ARNs.
      arn('endpoint', endpoint.toLowerCase()),
      ...(inferenceComponent === undefined ? [] : [arn('inference-component', inferenceComponent)]),
    ];
  }

  private configuration(props: ModelEndpointProps): CfnEndpointConfigProps {
    const { asynchronous, dataCapture, names } = props;
    const instance = {
      variantName: VARIANT_NAME,
      instanceType: props.instanceType,
      initialInstanceCount: props.instanceCount,
      inferenceAmiVersion: props.inferenceAmiVersion,
    };
    return {
      ...(names.inferenceComponent === undefined
        ? {
            productionVariants: [
              {
                ...instance,
                modelName: this.model.attrModelName,
                initialVariantWeight: 1,
                ...startup(props),
              },
            ],
          }
        : {
            // SageMaker wants both of the endpoint where its models are inference components.
            executionRoleArn: this.executionRole.roleArn,
            enableNetworkIsolation: true,
            productionVariants: [
              {
                ...instance,
                managedInstanceScaling: {
                  status: 'ENABLED',
                  minInstanceCount: 0,
                  // One more than there are copies at most: a new copy comes before an old one goes.
                  maxInstanceCount: props.maximumInstances + 1,
                },
                routingConfig: { routingStrategy: 'LEAST_OUTSTANDING_REQUESTS' },
              },
            ],
          }),
      dataCaptureConfig: dataCapture && {
        enableCapture: true,
        initialSamplingPercentage: dataCapture.samplingPercentage,
        destinationS3Uri: dataCapture.place.uri,
        captureOptions: [{ captureMode: 'Input' }, { captureMode: 'Output' }],
        captureContentTypeHeader: { jsonContentTypes: ['application/json'] },
      },
      asyncInferenceConfig: asynchronous && {
        clientConfig: { maxConcurrentInvocationsPerInstance: props.requestsPerInstance },
        outputConfig: {
          s3OutputPath: `${asynchronous.uri}answers/`,
          s3FailurePath: `${asynchronous.uri}failures/`,
        },
      },
    };
  }

  /** The model as a thing of its own on the endpoint, of which there may be no copy. */
  private inferenceComponent(
    props: ModelEndpointProps,
    endpoint: CfnEndpoint,
    inferenceComponentName: string,
  ): CfnInferenceComponent {
    return new CfnInferenceComponent(this, 'InferenceComponent', {
      inferenceComponentName,
      endpointName: endpoint.attrEndpointName,
      variantName: VARIANT_NAME,
      specification: {
        modelName: this.model.attrModelName,
        startupParameters: startup(props),
        computeResourceRequirements: {
          minMemoryRequiredInMb: props.copyMemoryMib,
          numberOfAcceleratorDevicesRequired: props.gpu ? 1 : undefined,
        },
      },
      runtimeConfig: { copyCount: props.instanceCount },
      deploymentConfig: copyByCopy(props.rollout),
    });
  }

  private grantExecution(props: ModelEndpointProps): Policy {
    const logGroups = this.logGroups(props);
    return new Policy(this, 'ExecutionPolicy', {
      roles: [this.executionRole],
      statements: [
        ...props.modelData.readStatements(Stack.of(this)),
        ...(props.dataCapture?.place.statements ?? []),
        ...(props.asynchronous?.statements ?? []),
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
          resources: logGroups.map(({ logGroupArn }) => logGroupArn),
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
  /** SageMaker fixes the names; made here so that the logs do not outlive their retention. */
  private logGroups({ logRetention, names }: ModelEndpointProps): LogGroup[] {
    const logGroup = (id: string, logGroupName: string) =>
      new LogGroup(this, id, {
        logGroupName,
        retention: logRetention,
        removalPolicy: RemovalPolicy.DESTROY,
      });
    const ofEndpoint = logGroup('Logs', `/aws/sagemaker/Endpoints/${names.endpoint}`);
    return names.inferenceComponent === undefined
      ? [ofEndpoint]
      : [
          ofEndpoint,
          logGroup(
            'ComponentLogs',
            `/aws/sagemaker/InferenceComponents/${names.inferenceComponent}`,
          ),
        ];
  }
}

/** How long the model may take to be there. */
function startup(props: ModelEndpointProps) {
  return {
    containerStartupHealthCheckTimeoutInSeconds: props.startupHealthCheckTimeout.toSeconds(),
    modelDataDownloadTimeoutInSeconds: props.modelDataDownloadTimeout.toSeconds(),
  };
}
