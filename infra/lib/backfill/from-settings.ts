import type { Stack } from 'aws-cdk-lib';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { parseBedrockModel } from '../bedrock-model.ts';
import type { CatalogueBucket } from '../catalogue-bucket.ts';
import { jobPrefix } from '../job-names.ts';
import type { ModelData } from '../model-data.ts';
import { modelImage } from '../model-image.ts';
import { hasGpu, type Settings } from '../settings.ts';
import { Backfill, type CheapProps } from './backfill.ts';

/** What a stack with a backfill brings with it. */
export interface BackfillParts {
  readonly settings: Settings;
  readonly catalogue: CatalogueBucket;
  /** What describes a batch. */
  readonly describe: IFunction;
  /** The checkpoint that answers in batches, too. */
  readonly modelData: ModelData;
  readonly alarmTopic: ITopic | undefined;
}

/** A backfill as the settings of a stack have it. */
export function backfillFrom(stack: Stack, parts: BackfillParts): Backfill {
  const { backfill, catalogue, stack: common } = parts.settings;
  return new Backfill(stack, 'Backfill', {
    bucket: parts.catalogue.bucket,
    keyStatements: parts.catalogue.keyStatements(),
    function: parts.describe,
    incomingPrefix: catalogue.incomingPrefix,
    resultsPrefix: backfill.resultsPrefix,
    batchSize: backfill.batchSize,
    maximumConcurrency: backfill.maximumConcurrency,
    toleratedFailurePercentage: backfill.toleratedFailurePercentage,
    cheap: backfill.cheaply ? cheapWay(stack, parts) : undefined,
    logRetention: common.logRetentionDays,
    alarmTopic: parts.alarmTopic,
  });
}

function cheapWay(stack: Stack, { modelData, settings }: BackfillParts): CheapProps | undefined {
  const { backfill } = settings;
  const textModel = parseBedrockModel(backfill.batchModelId);
  return (
    textModel && {
      jobPrefix: jobPrefix(stack),
      photosPerFile: backfill.photosPerFile,
      instanceType: backfill.transformInstanceType,
      instanceCount: backfill.transformInstanceCount,
      amiVersion: hasGpu(backfill.transformInstanceType)
        ? (backfill.transformAmiVersion ?? undefined)
        : undefined,
      textModelId: backfill.batchModelId,
      textModel,
      image: modelImage(stack, backfill.transformImage, 'TransformImage'),
      modelData,
      environment: backfill.transformEnvironment,
    }
  );
}
