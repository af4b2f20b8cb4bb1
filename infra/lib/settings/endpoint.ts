import { z } from 'zod';
import { ENDPOINT_MODES } from '../endpoint-names.ts';
import type { Settings } from '../settings.ts';
import type { Conflict } from './conflict.ts';
import { variables } from './variables.ts';

/** Where SageMaker can pull from: a private ECR repository, by tag or by digest. */
export const ecrImageUri = z
  .string()
  .regex(
    /^\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?\/[a-z0-9._/-]+(:[\w.-]+|@sha256:[0-9a-f]{64})$/,
    'must be an image in ECR with its tag or digest, such as "111122223333.dkr.ecr.eu-west-1.amazonaws.com/model-server:1.0.0"',
  );

const modelDataUri = z
  .string()
  .regex(
    /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\/(.+\/|.+\.tar\.gz)$/,
    'must be an S3 prefix that ends with "/" (the checkpoint\'s files) or an object that ends with ".tar.gz"',
  );

/** The model server: an image, or what it is built from. */
export const containerImage = z.union(
  [z.strictObject({ uri: ecrImageUri }), z.strictObject({ build: z.enum(['cpu', 'cuda']) })],
  'must be {"uri": "<an image in ECR with its tag or digest>"}, {"build": "cpu"} or {"build": "cuda"}',
);

/** What SageMaker computes on. */
export const instanceType = z
  .string()
  .regex(
    /^ml\.[a-z0-9-]+\.[a-z0-9]+$/,
    'must be a SageMaker instance type, such as "ml.g5.2xlarge"',
  );

/** Whether SageMaker's instance type carries an NVIDIA GPU: its G and P families do. */
export function hasGpu(instanceType: string): boolean {
  return /^ml\.[gp]\d/.test(instanceType);
}

/** Beyond this a number of instances is a mistake: SageMaker's quotas end in the hundreds. */
export const MOST_INSTANCES = 500;

/** The endpoint that answers questions about photos. */
export const endpointSection = z.strictObject({
  mode: z.enum(ENDPOINT_MODES),
  name: z
    .string()
    .regex(
      /^[A-Za-z0-9](-*[A-Za-z0-9]){0,62}$/,
      'must be at most 63 letters, digits and "-", neither end a "-"',
    )
    .nullable(),
  instanceType,
  instanceCount: z.int().min(1).max(MOST_INSTANCES),
  productsPerInstance: z.int().min(1).max(1000),
  copyMemoryMib: z.int().min(128),
  containerImage,
  modelDataUri: modelDataUri.nullable(),
  environment: variables,
  inferenceAmiVersion: z.string().min(1).nullable(),
  // Both limits are SageMaker's.
  startupHealthCheckTimeoutSeconds: z.int().min(60).max(3600),
  modelDataDownloadTimeoutSeconds: z.int().min(60).max(3600),
  dataCapture: z
    .strictObject({
      samplingPercentage: z.int().min(1).max(100),
      days: z.int().min(1).max(3650),
    })
    .nullable(),
  asynchronousDays: z.int().min(1).max(3650),
});

/** An image that the instance can't run. */
export function* imageConflicts({ endpoint }: Settings): Generator<Conflict> {
  const { containerImage, instanceType } = endpoint;
  if ('build' in containerImage && containerImage.build === 'cuda' && !hasGpu(instanceType)) {
    yield {
      path: ['endpoint', 'containerImage'],
      message: `"cuda" needs an instance with a GPU, which ${instanceType} is not: use {"build": "cpu"} or another endpoint.instanceType`,
    };
  }
}

/**
 * What waits for an answer, where the endpoint gives none to those who wait: SageMaker refuses
 * InvokeEndpoint on an asynchronous one, and so there is no function.
 */
export function* asynchronousConflicts({
  api,
  endpoint,
  function: describe,
}: Settings): Generator<Conflict> {
  if (endpoint.mode !== 'asynchronous') {
    return;
  }
  const without =
    'which endpoint.mode "asynchronous" leaves out together with the function: its answers come through S3 only';
  if (describe.url !== 'none') {
    yield {
      path: ['function', 'url'],
      message: `must be "none": it is a part of the function, ${without}`,
    };
  }
  if (describe.provisionedConcurrency !== null) {
    yield {
      path: ['function', 'provisionedConcurrency'],
      message: `must be null: it is a part of the function, ${without}`,
    };
  }
  if (api.domain !== null) {
    yield { path: ['api', 'domain'], message: `must be null: it is a part of the API, ${without}` };
  }
}
