import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { z } from 'zod';
import { GUARDRAIL_ID } from './bedrock-guardrail.ts';
import { parseBedrockModel } from './bedrock-model.ts';

/** A prefix of object keys: relative, and closed by a slash so that it names a folder. */
const keyPrefix = z
  .string()
  .regex(
    /^[\w.-][\w./-]*\/$/,
    'must be a key prefix that ends with "/" and does not begin with one, such as "incoming/"',
  );

/** Where SageMaker can pull from: a private ECR repository, by tag or by digest. */
const ecrImageUri = z
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

/** A standard topic: CloudWatch's alarms can't tell a FIFO one. */
const topicArn = z
  .string()
  .regex(
    /^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}$/,
    'must be the ARN of a standard SNS topic, such as "arn:aws:sns:eu-west-1:111122223333:alarms"',
  );

/** Variables that the stack sets on the function, and the setting that each of them follows. */
const MANAGED_VARIABLES: Readonly<Record<string, string>> = {
  ENDPOINT_NAME: 'endpoint.name',
  BEDROCK_MODEL_IDS: 'bedrock.modelIds',
  BEDROCK_REGION: 'bedrock.region',
  BEDROCK_API: 'bedrock.api',
  GUARDRAIL_ID: 'bedrock.guardrail',
  GUARDRAIL_VERSION: 'bedrock.guardrail',
  INCOMING_PREFIX: 'catalogue.incomingPrefix',
  OUTPUT_PREFIX: 'catalogue.descriptionsPrefix',
  FAILURE_PREFIX: 'catalogue.failuresPrefix',
  IDEMPOTENCY_LOCATION: 'api.idempotencyDays',
  PRODUCT_CONCURRENCY: 'function.productConcurrency',
  RESPONSE_MODE: 'function.url',
};

const variables = z.record(
  z.string().regex(/^[A-Z][A-Z0-9_]*$/, 'must be upper-case letters, digits and "_"'),
  z.string(),
);

const functionVariables = variables.superRefine((environment, context) => {
  for (const name of Object.keys(environment)) {
    const setting = MANAGED_VARIABLES[name];
    if (setting !== undefined) {
      context.addIssue({
        code: 'custom',
        path: [name],
        message: `must be left out: it follows ${setting}`,
      });
    } else if (name.startsWith('AWS_')) {
      context.addIssue({
        code: 'custom',
        path: [name],
        message: "must be left out: it is AWS Lambda's own",
      });
    } else if (name === 'OUTPUT_BUCKET') {
      const message = 'must be left out: the function may write to the catalogue bucket only';
      context.addIssue({ code: 'custom', path: [name], message });
    }
  }
});

const logRetentionDays = z.literal(
  Object.values(RetentionDays).filter((days) => typeof days === 'number'),
);

/** Whether SageMaker's instance type carries an NVIDIA GPU: its G and P families do. */
export function hasGpu(instanceType: string): boolean {
  return /^ml\.[gp]\d/.test(instanceType);
}

const sections = z.strictObject({
  stack: z.strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z][A-Za-z0-9-]{0,127}$/, 'must be letters, digits and "-", a letter first'),
    logRetentionDays,
    alarmTopicArn: topicArn.nullable(),
  }),
  catalogue: z.strictObject({
    incomingPrefix: keyPrefix,
    descriptionsPrefix: keyPrefix,
    failuresPrefix: keyPrefix,
    callsPrefix: keyPrefix,
    removal: z.enum(['retain', 'destroy']),
  }),
  endpoint: z.strictObject({
    name: z
      .string()
      .regex(
        /^[A-Za-z0-9](-*[A-Za-z0-9]){0,62}$/,
        'must be at most 63 letters, digits and "-", neither end a "-"',
      ),
    instanceType: z
      .string()
      .regex(
        /^ml\.[a-z0-9-]+\.[a-z0-9]+$/,
        'must be a SageMaker instance type, such as "ml.g5.2xlarge"',
      ),
    instanceCount: z.int().min(1),
    productsPerInstance: z.int().min(1),
    containerImage: z.union(
      [z.strictObject({ uri: ecrImageUri }), z.strictObject({ build: z.enum(['cpu', 'cuda']) })],
      'must be {"uri": "<an image in ECR with its tag or digest>"}, {"build": "cpu"} or {"build": "cuda"}',
    ),
    modelDataUri: modelDataUri.nullable(),
    environment: variables,
    inferenceAmiVersion: z.string().min(1).nullable(),
    // Both limits are SageMaker's.
    startupHealthCheckTimeoutSeconds: z.int().min(60).max(3600),
    modelDataDownloadTimeoutSeconds: z.int().min(60).max(3600),
  }),
  function: z.strictObject({
    assetPath: z.string().regex(/\.zip$/, 'must be a .zip file'),
    architecture: z.enum(['x86_64', 'arm64']),
    memoryMib: z.int().min(128).max(10_240),
    timeoutSeconds: z.int().min(3).max(900),
    productConcurrency: z.int().min(1).max(64),
    url: z.enum(['none', 'buffered', 'stream']),
    tracing: z.enum(['active', 'pass-through']),
    environment: functionVariables,
  }),
  // The limits are those of Lambda's event source mappings and of SQS.
  uploads: z.strictObject({
    batchSize: z.int().min(1).max(10_000),
    batchingWindowSeconds: z.int().min(0).max(300),
    maximumConcurrency: z.int().min(2).max(1000),
    maximumReceives: z.int().min(1).max(1000),
    // At most the ten days for which the queue keeps a message.
    oldestMessageAlarmMinutes: z.int().min(1).max(14_400),
  }),
  bedrock: z.strictObject({
    modelIds: z
      .array(
        z
          .string()
          .refine(
            (id) => parseBedrockModel(id) !== undefined,
            'must be the id of a foundation model or inference profile, or the ARN of one',
          ),
      )
      .min(1),
    region: z
      .string()
      .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'must be a region, such as "eu-west-1"')
      .nullable(),
    api: z.enum(['invoke', 'converse']),
    guardrail: z
      .strictObject({
        id: z.string().regex(GUARDRAIL_ID, 'must be the id of a guardrail or its ARN'),
        version: z.string().regex(/^(DRAFT|[1-9]\d{0,7})$/, 'must be a number as text, or "DRAFT"'),
      })
      .nullable(),
  }),
  api: z.strictObject({
    authorization: z.enum(['iam', 'none']),
    requestsPerSecond: z.number().positive(),
    burst: z.int().min(1),
    allowedOrigins: z.array(
      z
        .string()
        .regex(
          /^(\*|https?:\/\/[a-z0-9.-]+(:\d+)?)$/,
          'must be an origin, such as "https://shop.example", or "*"',
        ),
    ),
    idempotencyDays: z.int().min(1).max(365).nullable(),
  }),
});

/** What a deployment is made from; `config/default.json` holds every default. */
export type Settings = z.infer<typeof sections>;

/** The shortest time that the function gives a product of a batch: in less nothing is described. */
export const SHORTEST_TURN_SECONDS = 5;

/** What is wrong between several fields: the one to change, and what it must be. */
interface Conflict {
  readonly path: readonly string[];
  readonly message: string;
}

/** The shape of {@link Settings} and the rules between its fields. */
export const settingsSchema = sections.superRefine((settings, context) => {
  for (const { path, message } of [
    ...prefixConflicts(settings),
    ...imageConflicts(settings),
    ...uploadConflicts(settings),
  ]) {
    context.addIssue({ code: 'custom', path: [...path], message });
  }
});

/** What lies in the bucket, each with what it must not be taken for. */
const PREFIXES = {
  incomingPrefix: 'a photo',
  descriptionsPrefix: 'a result',
  failuresPrefix: 'the record of a failure',
  callsPrefix: 'an answer that is removed after some days',
} as const;

function* prefixConflicts({ catalogue }: Settings): Generator<Conflict> {
  const fields = Object.keys(PREFIXES) as (keyof typeof PREFIXES)[];
  for (const [index, field] of fields.entries()) {
    for (const other of fields.slice(0, index)) {
      const [one, two] = [catalogue[field], catalogue[other]];
      if (one.startsWith(two) || two.startsWith(one)) {
        yield {
          path: ['catalogue', field],
          message: `must lie outside of catalogue.${other} ("${two}") and not around it, or ${PREFIXES[field]} would be taken for ${PREFIXES[other]}`,
        };
      }
    }
  }
}

function* imageConflicts({ endpoint }: Settings): Generator<Conflict> {
  const { containerImage, instanceType } = endpoint;
  if ('build' in containerImage && containerImage.build === 'cuda' && !hasGpu(instanceType)) {
    yield {
      path: ['endpoint', 'containerImage'],
      message: `"cuda" needs an instance with a GPU, which ${instanceType} is not: use {"build": "cpu"} or another endpoint.instanceType`,
    };
  }
}

function* uploadConflicts({
  endpoint,
  function: describe,
  uploads,
}: Settings): Generator<Conflict> {
  const { batchSize, batchingWindowSeconds, maximumConcurrency } = uploads;
  if (batchSize > 10 && batchingWindowSeconds < 1) {
    yield {
      path: ['uploads', 'batchingWindowSeconds'],
      message: `must be at least 1 where uploads.batchSize (${String(batchSize)}) is over 10`,
    };
  }
  const turns = Math.ceil(batchSize / describe.productConcurrency);
  if (turns * SHORTEST_TURN_SECONDS >= describe.timeoutSeconds) {
    yield {
      path: ['uploads', 'batchSize'],
      message: `must be less, or the last of a batch have no time: ${String(describe.productConcurrency)} products at a time (function.productConcurrency) need ${String(turns)} turns of ${String(SHORTEST_TURN_SECONDS)} s or more, in function.timeoutSeconds (${String(describe.timeoutSeconds)})`,
    };
  }
  const atATime = Math.min(batchSize, describe.productConcurrency);
  const room = endpoint.instanceCount * endpoint.productsPerInstance;
  if (maximumConcurrency * atATime > room) {
    yield {
      path: ['uploads', 'maximumConcurrency'],
      message: `times the ${String(atATime)} products of a batch that are worked on at a time must be at most ${String(room)}, which is endpoint.instanceCount × endpoint.productsPerInstance`,
    };
  }
}
