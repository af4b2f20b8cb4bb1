import { Template } from 'aws-cdk-lib/assertions';
import type { LookbookStack } from '../lib/lookbook-stack.ts';
import { IMAGE_URI, type Overrides, stackOf } from './support.ts';
import { TRAINER_URI } from './training-overrides.ts';

const TOPIC = 'arn:aws:sns:eu-west-1:111122223333:alarms';
const CERTIFICATE =
  'arn:aws:acm:eu-west-1:111122223333:certificate/12345678-1234-1234-1234-123456789012';

/**
 * Settings of which each makes another stack. What holds for the stack as such (its policies, names,
 * what survives it, what cdk-nag and cfn-lint say) is looked at in all of them. A setting that adds
 * resources or permissions belongs into one of them.
 */
export const VARIANTS = {
  'as-it-comes': {},
  'own-key-and-lifetimes': {
    stack: { logRetentionDays: 90, alarmTopicArn: TOPIC },
    catalogue: { encryption: 'kms', incomingDays: 30, failuresDays: 180, replacedDays: 14 },
    api: { idempotencyDays: 2 },
  },
  'scaling-with-canary-and-capture': {
    endpoint: { instanceCount: 2, dataCapture: { samplingPercentage: 10, days: 30 } },
    scaling: { maximumInstances: 4, metric: 'invocations-per-minute', target: 60 },
    rollout: { strategy: 'canary' },
  },
  'scale-to-zero': {
    endpoint: { mode: 'scale-to-zero', modelDataUri: 's3://amzn-s3-demo-bucket/models/blip2/' },
    scaling: { maximumInstances: 2 },
  },
  asynchronous: {
    catalogue: { encryption: 'kms' },
    endpoint: { mode: 'asynchronous', dataCapture: { samplingPercentage: 100, days: 7 } },
    scaling: { maximumInstances: 3 },
  },
  'tokens-and-own-domain': {
    api: {
      authorization: 'jwt',
      jwt: { issuer: 'https://login.example/', audience: ['lookbook'], scopes: ['describe'] },
      allowedOrigins: ['https://shop.example'],
      domain: {
        name: 'descriptions.shop.example',
        certificateArn: CERTIFICATE,
        hostedZone: { id: 'Z0123456789ABC', name: 'shop.example' },
      },
    },
  },
  'ready-and-streaming': {
    function: {
      architecture: 'arm64',
      url: 'stream',
      provisionedConcurrency: 2,
      reservedConcurrency: 20,
      deadLetterQueue: true,
    },
    bedrock: {
      region: 'us-east-1',
      api: 'converse',
      guardrail: { id: 'gr1abc', version: '2' },
      modelIds: [
        'us.anthropic.claude-sonnet-4-6',
        'arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/abc123def456',
      ],
    },
  },
  'open-on-processors': {
    catalogue: { removal: 'destroy' },
    endpoint: {
      instanceType: 'ml.c7i.4xlarge',
      containerImage: { uri: IMAGE_URI },
      modelDataUri: 's3://amzn-s3-demo-bucket/job/output/model.tar.gz',
    },
    function: {
      reservedConcurrency: 'none',
      tracing: 'pass-through',
      environment: { METRICS_NAMESPACE: 'none' },
    },
    api: { authorization: 'none' },
  },
  'cost-watched': {
    stack: { alarmTopicArn: TOPIC },
    alarms: {
      bedrockTokensPerHour: null,
      costAnomaly: { thresholdUsd: 50, email: 'ops@shop.example', monitorArn: null },
    },
  },
  training: {
    training: {
      enabled: true,
      containerImage: { uri: TRAINER_URI },
      approvalTopicArn: 'arn:aws:sns:eu-west-1:111122223333:approvals',
    },
  },
  backfill: {
    backfill: { enabled: true },
  },
  'cheap-backfill': {
    stack: { alarmTopicArn: TOPIC },
    catalogue: { encryption: 'kms' },
    backfill: { enabled: true, cheaply: true, transformImage: { uri: IMAGE_URI } },
  },
} as const satisfies Record<string, Overrides>;

/** The name of a variant. */
export type Variant = keyof typeof VARIANTS;

/** All of them. */
export const VARIANT_NAMES = Object.keys(VARIANTS) as Variant[];

const stacks = new Map<Variant, LookbookStack>();
const templates = new Map<Variant, Template>();

/** The variant's stack, made once. */
export function variantStack(variant: Variant): LookbookStack {
  const stack = stacks.get(variant) ?? stackOf(VARIANTS[variant]);
  stacks.set(variant, stack);
  return stack;
}

/** The variant's template, synthesized once. */
export function variantTemplate(variant: Variant): Template {
  const template = templates.get(variant) ?? Template.fromStack(variantStack(variant));
  templates.set(variant, template);
  return template;
}
