import { jobName } from '../job-names.ts';
import { jsonata, quoted } from '../states-language.ts';
import { INVOKE_RETRY } from './invoke-retry.ts';

/** What the cheap way is made from. */
export interface CheapWayProps {
  /** What the names of the jobs begin with; at most 20 characters, all in lower case. */
  readonly jobPrefix: string;
  /** Photos whose questions go into one file. The function has all of them in memory. */
  readonly photosPerFile: number;
  /** What Batch Transform computes on. */
  readonly instanceType: string;
  readonly instanceCount: number;
  /** SageMaker's system image for GPU instances; `undefined` where there is no GPU. */
  readonly amiVersion: string | undefined;
  /** The model of Bedrock that writes in batches, by id. */
  readonly textModelId: string;
  readonly toleratedFailurePercentage: number;
}

/** What is listed, as the states of the machine name it. */
export interface Listing {
  readonly reader: object;
  readonly writer: object;
}

/** The labels of the maps, which are parts of their executions' ARNs. */
export const CHEAP_LABELS = ['Questions', 'Prompts', 'Results'] as const;

/** Invocations at a time: a step asks nobody but S3, as a rule. */
const CONCURRENCY = 5;

/** How long Bedrock may take for all texts. */
const TEXT_HOURS = 72;

/**
 * The cheap way: the function writes questions, Batch Transform answers them, the function makes
 * prompts of the answers, Bedrock's batch inference writes, and the function checks and stores the
 * texts (`events/README.md`). What is left after it, `next` describes.
 *
 * It needs the variables `run`, the prefix of the run's files, and `job`.
 */
export function cheapStates(props: CheapWayProps, photos: Listing, next: string): object {
  const step = (
    name: (typeof CHEAP_LABELS)[number],
    listing: Listing,
    items: number,
    more: object,
    after: string,
  ) => ({
    Type: 'Map',
    Label: name,
    ItemReader: listing.reader,
    ItemBatcher: {
      MaxItemsPerBatch: items,
      BatchInput: {
        bucket: '${Bucket}',
        run: jsonata('$run'),
        step: name.toLowerCase(),
        ...more,
      },
    },
    MaxConcurrency: CONCURRENCY,
    ToleratedFailurePercentage: props.toleratedFailurePercentage,
    ItemProcessor: {
      ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
      StartAt: `Write${name}`,
      States: {
        [`Write${name}`]: {
          Type: 'Task',
          Resource: 'arn:${Partition}:states:::lambda:invoke',
          Arguments: { FunctionName: '${Function}', Payload: jsonata('$states.input') },
          Retry: INVOKE_RETRY,
          Output: jsonata('$states.result.Payload'),
          End: true,
        },
      },
    },
    ResultWriter: photos.writer,
    Output: {},
    Next: after,
  });
  const files = (folder: string): Listing => ({
    ...photos,
    reader: {
      Resource: 'arn:${Partition}:states:::s3:listObjectsV2',
      Arguments: { Bucket: '${Bucket}', Prefix: jsonata(`$run & ${quoted(`${folder}/`)}`) },
    },
  });
  const look = (folder: string, after: string) => ({
    Type: 'Task',
    Resource: 'arn:${Partition}:states:::aws-sdk:s3:listObjectsV2',
    Arguments: {
      Bucket: '${Bucket}',
      Prefix: jsonata(`$run & ${quoted(`${folder}/`)}`),
      MaxKeys: 1,
    },
    Assign: { files: jsonata('$count($states.result.Contents)') },
    Output: {},
    Next: after,
  });
  const areThere = (yes: string) => ({
    Type: 'Choice',
    Choices: [{ Condition: jsonata('$files > 0'), Next: yes }],
    Default: next,
  });
  return {
    Questions: step('Questions', photos, props.photosPerFile, {}, 'LookForQuestions'),
    LookForQuestions: look('questions', 'AreThereQuestions'),
    AreThereQuestions: areThere('Answer'),
    Answer: answer(props, 'Prompts'),
    Prompts: step('Prompts', files('answers'), 1, {}, 'LookForPrompts'),
    LookForPrompts: look('prompts', 'AreTherePrompts'),
    AreTherePrompts: areThere('Write'),
    ...writing(props, 'Results'),
    Results: step('Results', files('texts'), 1, { model: props.textModelId }, next),
  };
}

/** Batch Transform; how much at a time, the model server's `/execution-parameters` say. */
function answer(props: CheapWayProps, next: string): object {
  return {
    Type: 'Task',
    Resource: 'arn:${Partition}:states:::sagemaker:createTransformJob.sync',
    Arguments: {
      TransformJobName: jobName(props.jobPrefix, 'Answer'),
      ModelName: '${TransformModel}',
      TransformInput: {
        ContentType: 'application/jsonlines',
        SplitType: 'Line',
        DataSource: {
          S3DataSource: { S3DataType: 'S3Prefix', S3Uri: inBucket('questions/') },
        },
      },
      TransformOutput: {
        S3OutputPath: inBucket('answers'),
        Accept: 'application/jsonlines',
        AssembleWith: 'Line',
      },
      TransformResources: {
        InstanceType: props.instanceType,
        InstanceCount: props.instanceCount,
        ...(props.amiVersion === undefined ? {} : { TransformAmiVersion: props.amiVersion }),
      },
      ModelClientConfig: { InvocationsTimeoutInSeconds: 3600, InvocationsMaxRetries: 3 },
    },
    Output: {},
    Next: next,
  };
}

/** Batch inference, which Step Functions does not wait for by itself. */
function writing(props: CheapWayProps, next: string): object {
  return {
    Write: {
      Type: 'Task',
      Resource: 'arn:${Partition}:states:::aws-sdk:bedrock:createModelInvocationJob',
      Arguments: {
        JobName: jobName(props.jobPrefix, 'Write'),
        RoleArn: '${BatchRole}',
        ModelId: props.textModelId,
        InputDataConfig: {
          S3InputDataConfig: { S3InputFormat: 'JSONL', S3Uri: inBucket('prompts/') },
        },
        OutputDataConfig: { S3OutputDataConfig: { S3Uri: inBucket('texts/') } },
        TimeoutDurationInHours: TEXT_HOURS,
      },
      Assign: { textJob: jsonata('$states.result.JobArn') },
      Output: {},
      Next: 'WaitForTexts',
    },
    WaitForTexts: { Type: 'Wait', Seconds: 300, Next: 'LookAtTexts' },
    LookAtTexts: {
      Type: 'Task',
      Resource: 'arn:${Partition}:states:::aws-sdk:bedrock:getModelInvocationJob',
      Arguments: { JobIdentifier: jsonata('$textJob') },
      Assign: {
        textStatus: jsonata('$states.result.Status'),
        textMessage: jsonata('$exists($states.result.Message) ? $states.result.Message : ""'),
      },
      Output: {},
      Next: 'AreTextsWritten',
    },
    AreTextsWritten: {
      Type: 'Choice',
      Choices: [
        {
          Condition: jsonata('$textStatus in ["Completed", "PartiallyCompleted"]'),
          Next: next,
        },
        {
          Condition: jsonata(
            '$textStatus in ["Submitted", "Validating", "Scheduled", "InProgress", "Stopping"]',
          ),
          Next: 'WaitForTexts',
        },
      ],
      Default: 'TextsNotWritten',
    },
    TextsNotWritten: {
      Type: 'Fail',
      Error: 'TextsNotWritten',
      Cause: jsonata(
        '"Batch inference ended as " & $textStatus & ". " & $textMessage & " A job has to have some number of records, which is a quota of Bedrock (100 as a rule): for fewer photos start a run without cheaply."',
      ),
    },
  };
}

/** The expression for a place below the run's prefix. */
function inBucket(path: string): string {
  return jsonata(`"s3://\${Bucket}/" & $run & ${quoted(path)}`);
}
