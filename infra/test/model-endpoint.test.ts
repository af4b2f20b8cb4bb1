import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Match } from 'aws-cdk-lib/assertions';
import { asText, IMAGE_URI, permissions, statementsOf, templateOf } from './support.ts';

const ENDPOINT = 'AWS::SageMaker::Endpoint';
const MODEL = 'AWS::SageMaker::Model';
const CONFIG = 'AWS::SageMaker::EndpointConfig';

describe('model endpoint', () => {
  const template = templateOf({
    endpoint: {
      modelDataUri: 's3://amzn-s3-demo-bucket/models/blip2/',
      environment: { RUST_LOG: 'info' },
    },
  });

  it('has the name that the function asks for: that of the stack, or the one of the settings', () => {
    template.hasResourceProperties(ENDPOINT, { EndpointName: 'Test-blip2' });
    const named = templateOf({ endpoint: { name: 'endpoint-b' } });
    named.hasResourceProperties(ENDPOINT, { EndpointName: 'endpoint-b' });
    named.hasResourceProperties('AWS::Lambda::Function', {
      Environment: { Variables: Match.objectLike({ ENDPOINT_NAME: 'endpoint-b' }) },
    });
  });

  it('serves the checkpoint with the image, cut off from the network', () => {
    template.hasResourceProperties(MODEL, {
      EnableNetworkIsolation: true,
      PrimaryContainer: {
        Image: IMAGE_URI,
        Environment: { RUST_LOG: 'info' },
        ModelDataSource: {
          S3DataSource: {
            S3Uri: 's3://amzn-s3-demo-bucket/models/blip2/',
            S3DataType: 'S3Prefix',
            CompressionType: 'None',
          },
        },
      },
    });
  });

  it('runs on a G5 with a driver for CUDA 13 and time to load the model', () => {
    template.hasResourceProperties(CONFIG, {
      ProductionVariants: [
        Match.objectLike({
          InstanceType: 'ml.g5.2xlarge',
          InitialInstanceCount: 1,
          InferenceAmiVersion: 'al2023-ami-sagemaker-inference-gpu-4-1',
          ContainerStartupHealthCheckTimeoutInSeconds: 900,
          ModelDataDownloadTimeoutInSeconds: 1800,
        }),
      ],
    });
  });

  it('leaves the choice of the system image to SageMaker where there is no GPU', () => {
    templateOf({ endpoint: { instanceType: 'ml.c7i.4xlarge' } }).hasResourceProperties(CONFIG, {
      ProductionVariants: [
        Match.objectLike({ InstanceType: 'ml.c7i.4xlarge', InferenceAmiVersion: Match.absent() }),
      ],
    });
  });

  it('creates the model after the permissions that SageMaker tries', () => {
    template.hasResource(MODEL, {
      DependsOn: [Match.stringLikeRegexp('^EndpointExecutionPolicy')],
    });
  });

  it('may fetch this image and this checkpoint and write its logs', () => {
    const allowed = permissions(statementsOf(template, 'EndpointExecutionPolicy'));
    const logs = [...new Set(allowed.filter((text) => text.startsWith('logs:')))];
    assert.deepEqual(
      allowed.filter((text) => !logs.includes(text)),
      [
        's3:GetObject → arn:${AWS::Partition}:s3:::amzn-s3-demo-bucket/models/blip2/*',
        's3:ListBucket → arn:${AWS::Partition}:s3:::amzn-s3-demo-bucket',
        ...['BatchCheckLayerAvailability', 'BatchGetImage', 'GetDownloadUrlForLayer'].map(
          (action) =>
            `ecr:${action} → arn:\${AWS::Partition}:ecr:eu-west-1:111122223333:repository/lookbook/model-server`,
        ),
        'ecr:GetAuthorizationToken → *',
        'cloudwatch:PutMetricData → *',
      ],
    );
    for (const text of logs) {
      assert.match(text, /^logs:\w+ → \$\{EndpointLogs\w+\.Arn\}$/);
    }
    template.hasResourceProperties('AWS::Logs::LogGroup', {
      LogGroupName: '/aws/sagemaker/Endpoints/Test-blip2',
      RetentionInDays: 30,
    });
  });

  it('unpacks an archive, and may then fetch that object only', () => {
    const uri = 's3://amzn-s3-demo-bucket/job/output/model.tar.gz';
    const archive = templateOf({ endpoint: { modelDataUri: uri } });
    archive.hasResourceProperties(MODEL, {
      PrimaryContainer: {
        ModelDataSource: {
          S3DataSource: { S3Uri: uri, S3DataType: 'S3Object', CompressionType: 'Gzip' },
        },
      },
    });
    assert.equal(
      permissions(statementsOf(archive, 'EndpointExecutionPolicy'))[0],
      's3:GetObject → arn:${AWS::Partition}:s3:::amzn-s3-demo-bucket/job/output/model.tar.gz',
    );
  });

  it('asks for the checkpoint at deployment where the settings leave it open', () => {
    const open = templateOf();
    open.hasParameter('ModelDataUri', { Type: 'String', Default: Match.absent() });
    const [statement] = statementsOf(open, 'EndpointExecutionPolicy');
    assert.equal(
      asText(statement?.Resource),
      'arn:${AWS::Partition}:s3:::{"Fn::Select":[1,{"Fn::Split":["s3://",{"Ref":"ModelDataUri"}]}]}*',
    );
    assert.deepEqual(template.findParameters('ModelDataUri'), {});
  });
});
