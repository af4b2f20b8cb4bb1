import { jobName } from '../job-names.ts';
import { jsonata, quoted } from '../states-language.ts';
import { METRIC_DEFINITIONS, PREPARED, TRAINING } from './contract.ts';
import type { PipelineDefinitionProps } from './pipeline-definition.ts';
import { ofRun, RETRY } from './pipeline-parts.ts';
import { PLACES } from './places.ts';

/** Where a processing job has its folders. */
const INPUT = '/opt/ml/processing/input';
const OUTPUT = '/opt/ml/processing/output';

/** More than either takes, and less than SageMaker's five days. */
const PROCESSING_SECONDS = 24 * 60 * 60;

/** What the catalogue is read by where an execution says nothing: the layout of the Kaggle data set. */
export const CATALOGUE_ARGUMENTS: readonly string[] = ['--data', `${INPUT}/catalogue`];

/** From the catalogue to questions. */
export function prepareState(props: PipelineDefinitionProps, next: string): object {
  const fixed = ['prepare', '--out', `${OUTPUT}/prepared`].map(quoted).join(', ');
  return processing('Prepare', props, {
    next,
    instanceType: props.prepareInstanceType,
    arguments: jsonata(`$append([${fixed}], $prepareArguments)`),
    inputs: { catalogue: '$catalogue' },
    output: 'prepared',
  });
}

/** From questions and a checkpoint to another one. */
export function trainState(props: PipelineDefinitionProps, next: string): object {
  const { channels, checkpoints } = TRAINING;
  const channel = (name: string, place: string) => ({
    ChannelName: name,
    DataSource: {
      S3DataSource: {
        S3DataType: 'S3Prefix',
        S3Uri: jsonata(place),
        S3DataDistributionType: 'FullyReplicated',
      },
    },
  });
  return {
    Type: 'Task',
    Resource: 'arn:${Partition}:states:::sagemaker:createTrainingJob.sync',
    Arguments: {
      TrainingJobName: jobName(props.jobPrefix, 'Train'),
      RoleArn: '${JobRole}',
      AlgorithmSpecification: {
        TrainingImage: '${TrainerImage}',
        TrainingInputMode: 'File',
        MetricDefinitions: METRIC_DEFINITIONS,
      },
      HyperParameters: jsonata('$hyperparameters'),
      InputDataConfig: [
        channel(channels.images, '$images'),
        channel(channels.questions, ofRun('/prepared/')),
        channel(channels.model, '$base'),
      ],
      // The files as they are, which is how an endpoint takes them.
      OutputDataConfig: { S3OutputPath: jsonata(ofRun('/training')), CompressionType: 'NONE' },
      ResourceConfig: {
        InstanceCount: 1,
        InstanceType: props.instanceType,
        VolumeSizeInGB: props.volumeGib,
      },
      EnableNetworkIsolation: true,
      EnableManagedSpotTraining: props.spot,
      // Of the run and not of the job: a training that is redriven goes on where it was.
      CheckpointConfig: {
        S3Uri: jsonata(`"s3://\${Bucket}/${PLACES.checkpoints}" & $run & "/"`),
        LocalPath: checkpoints,
      },
      StoppingCondition: {
        MaxRuntimeInSeconds: props.maximumRuntime.toSeconds(),
        ...(props.spot ? { MaxWaitTimeInSeconds: props.maximumWait.toSeconds() } : {}),
      },
    },
    Retry: RETRY,
    Assign: {
      // Of files, SageMaker gives the folder with or without its slash.
      model: jsonata('$replace($states.result.ModelArtifacts.S3ModelArtifacts, /\\/+$/, "") & "/"'),
    },
    Output: {},
    Next: next,
  };
}

/** How good the new one is. */
export function evaluateState(props: PipelineDefinitionProps, next: string): object {
  const prepared = (file: string) => `${INPUT}/prepared/${file}`;
  return processing('Evaluate', props, {
    next,
    instanceType: props.instanceType,
    arguments: [
      'evaluate',
      ...['--model-dir', `${INPUT}/model`],
      ...['--images', `${INPUT}/images`],
      ...['--data', prepared(PREPARED.test)],
      ...['--train-data', prepared(PREPARED.training)],
      ...['--na-data', prepared(PREPARED.withoutValue)],
      ...['--device', props.device],
      ...['--out', `${OUTPUT}/evaluation`],
    ],
    inputs: { model: '$model', prepared: ofRun('/prepared/'), images: '$images' },
    output: 'evaluation',
  });
}

interface Processing {
  readonly next: string;
  readonly instanceType: string;
  readonly arguments: unknown;
  /** The folder below the job's input, and the expression for its place in S3. */
  readonly inputs: Readonly<Record<string, string>>;
  /** The folder below the job's output, and below the run's in S3. */
  readonly output: string;
}

/** A step that is a processing job with the trainer's image. */
function processing(
  name: string,
  { jobPrefix, volumeGib }: PipelineDefinitionProps,
  job: Processing,
): object {
  return {
    Type: 'Task',
    Resource: 'arn:${Partition}:states:::sagemaker:createProcessingJob.sync',
    Arguments: {
      ProcessingJobName: jobName(jobPrefix, name),
      RoleArn: '${JobRole}',
      AppSpecification: {
        ImageUri: '${TrainerImage}',
        ContainerEntrypoint: ['/usr/local/bin/trainer'],
        ContainerArguments: job.arguments,
      },
      ProcessingInputs: Object.entries(job.inputs).map(([folder, place]) => ({
        InputName: folder,
        S3Input: {
          S3Uri: jsonata(place),
          LocalPath: `${INPUT}/${folder}`,
          S3DataType: 'S3Prefix',
          S3InputMode: 'File',
        },
      })),
      ProcessingOutputConfig: {
        Outputs: [
          {
            OutputName: job.output,
            S3Output: {
              S3Uri: jsonata(ofRun(`/${job.output}`)),
              LocalPath: `${OUTPUT}/${job.output}`,
              S3UploadMode: 'EndOfJob',
            },
          },
        ],
      },
      ProcessingResources: {
        ClusterConfig: {
          InstanceCount: 1,
          InstanceType: job.instanceType,
          VolumeSizeInGB: volumeGib,
        },
      },
      NetworkConfig: { EnableNetworkIsolation: true },
      StoppingCondition: { MaxRuntimeInSeconds: PROCESSING_SECONDS },
    },
    Retry: RETRY,
    Output: {},
    Next: job.next,
  };
}
