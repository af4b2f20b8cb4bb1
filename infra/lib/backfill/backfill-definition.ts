import { JOB_OF_RUN } from '../job-names.ts';
import { jsonata, quoted } from '../states-language.ts';
import { cheapStates, type CheapWayProps, type Listing } from './cheap-states.ts';
import { INVOKE_RETRY } from './invoke-retry.ts';

/** What a {@link backfillDefinition} is made from. */
export interface BackfillDefinitionProps {
  /** What is described where an execution names no prefix. */
  readonly incomingPrefix: string;
  /** Where the outcomes of batches are written, a folder for each run. */
  readonly resultsPrefix: string;
  /** Photos that the function is given at a time. */
  readonly batchSize: number;
  /** Batches that are worked on at a time. */
  readonly maximumConcurrency: number;
  /** How many of the photos may be in batches that fail before the run is given up. */
  readonly toleratedFailurePercentage: number;
  /**
   * How an execution goes the cheap way that asks for it.
   *
   * @default - none does
   */
  readonly cheapWay?: Omit<CheapWayProps, 'toleratedFailurePercentage'>;
}

/** The label of the map, which is a part of its executions' ARNs. */
export const DESCRIBE_LABEL = 'Describe';

/** How often a batch is tried in which something failed that may succeed later. */
const TRIES = 4;

/** Longer than listings are. */
const MOST_ITEMS = 100_000_000;

/**
 * All photos below a prefix, batch by batch. The function looks at what is stored first, so that a
 * run over a catalogue that is described in part costs a look for each of the others; a run that was
 * stopped or failed can be redriven, or simply started again.
 */
export function backfillDefinition(props: BackfillDefinitionProps): object {
  const photos = listing(props);
  const { cheapWay, toleratedFailurePercentage } = props;
  return {
    Comment: 'Describes every photo below a prefix that is not described already',
    QueryLanguage: 'JSONata',
    StartAt: 'Begin',
    States: {
      Begin: {
        Type: 'Pass',
        Assign: {
          run: jsonata(`${quoted(props.resultsPrefix)} & $states.context.Execution.Name & "/"`),
          job: jsonata(JOB_OF_RUN),
        },
        Next: cheapWay === undefined ? 'Describe' : 'WhichWay',
      },
      ...(cheapWay === undefined
        ? {}
        : {
            WhichWay: {
              Type: 'Choice',
              Choices: [
                {
                  Condition: jsonata('$states.context.Execution.Input.cheaply = true'),
                  Next: 'Questions',
                },
              ],
              Default: 'Describe',
            },
            ...cheapStates({ ...cheapWay, toleratedFailurePercentage }, photos, 'Describe'),
          }),
      Describe: {
        Type: 'Map',
        Label: DESCRIBE_LABEL,
        ItemReader: photos.reader,
        ItemBatcher: {
          MaxItemsPerBatch: props.batchSize,
          BatchInput: { bucket: '${Bucket}' },
        },
        MaxConcurrency: props.maximumConcurrency,
        ToleratedFailurePercentage: props.toleratedFailurePercentage,
        ItemProcessor: {
          ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
          ...batchDefinition(),
        },
        ResultWriter: photos.writer,
        Assign: {
          mapRun: jsonata('$states.result.MapRunArn'),
          results: jsonata('$states.result.ResultWriterDetails'),
        },
        Output: {},
        Next: 'Count',
      },
      Count: {
        Type: 'Task',
        Resource: 'arn:${Partition}:states:::aws-sdk:sfn:describeMapRun',
        Arguments: { MapRunArn: jsonata('$mapRun') },
        Assign: { counts: jsonata('$states.result.ItemCounts') },
        Output: {},
        Next: 'IsAllDone',
      },
      IsAllDone: {
        Type: 'Choice',
        Choices: [{ Condition: jsonata('$counts.Succeeded = $counts.Total'), Next: 'Done' }],
        Default: 'NotAllDone',
      },
      Done: {
        Type: 'Succeed',
        Output: { photos: jsonata('$counts.Total'), results: jsonata('$results') },
      },
      NotAllDone: {
        Type: 'Fail',
        Error: 'NotAllDone',
        Cause: jsonata(
          '$string($counts.Total - $counts.Succeeded) & " of " & $string($counts.Total) & " photos are in batches in which something failed that may succeed later. Start the run again: what is described is passed over."',
        ),
      },
    },
  };
}

/** The photos of a run, and where it is written what became of their batches. */
function listing({ incomingPrefix }: BackfillDefinitionProps): Listing {
  // Not the state's own input, which is nothing behind the cheap way.
  const input = '$states.context.Execution.Input';
  return {
    reader: {
      Resource: 'arn:${Partition}:states:::s3:listObjectsV2',
      Arguments: {
        Bucket: '${Bucket}',
        Prefix: jsonata(`$exists(${input}.prefix) ? ${input}.prefix : ${quoted(incomingPrefix)}`),
      },
      ReaderConfig: {
        MaxItems: jsonata(`$exists(${input}.limit) ? ${input}.limit : ${String(MOST_ITEMS)}`),
      },
    },
    writer: {
      Resource: 'arn:${Partition}:states:::s3:putObject',
      Arguments: { Bucket: '${Bucket}', Prefix: jsonata('$run & "outcomes"') },
      WriterConfig: { Transformation: 'COMPACT', OutputType: 'JSONL' },
    },
  };
}

/** What becomes of a batch: `{"Items": […], "BatchInput": {"bucket"}}`, as the function takes it. */
function batchDefinition(): object {
  const outcomes = '$states.result.Payload.outcomes';
  return {
    StartAt: 'Begin',
    States: {
      Begin: {
        Type: 'Pass',
        Assign: { batch: jsonata('$states.input'), tries: 1, written: 0, failed: 0 },
        Next: 'DescribeBatch',
      },
      DescribeBatch: {
        Type: 'Task',
        Resource: 'arn:${Partition}:states:::lambda:invoke',
        Arguments: { FunctionName: '${Function}', Payload: jsonata('$batch') },
        Retry: INVOKE_RETRY,
        Assign: {
          written: jsonata('$written + $states.result.Payload.written'),
          // With a record it is done; without, it may succeed later.
          failed: jsonata(`$failed + $count(${outcomes}[outcome = "failed" and $exists(record)])`),
          open: jsonata(`$count(${outcomes}[outcome = "failed" and $not($exists(record))])`),
        },
        Output: {},
        Next: 'IsBatchDone',
      },
      IsBatchDone: {
        Type: 'Choice',
        Choices: [
          { Condition: jsonata('$open = 0'), Next: 'BatchDone' },
          { Condition: jsonata(`$tries < ${String(TRIES)}`), Next: 'WaitForRoom' },
        ],
        Default: 'BatchFailed',
      },
      WaitForRoom: {
        Type: 'Wait',
        Seconds: jsonata('30 * $power(2, $tries - 1)'),
        Assign: { tries: jsonata('$tries + 1') },
        Next: 'DescribeBatch',
      },
      BatchDone: {
        Type: 'Succeed',
        Output: {
          photos: jsonata('$count($batch.Items)'),
          written: jsonata('$written'),
          failed: jsonata('$failed'),
        },
      },
      BatchFailed: {
        Type: 'Fail',
        Error: 'BatchFailed',
        Cause: jsonata(
          '$string($open) & " of " & $string($count($batch.Items)) & " photos were not described, though trying again may help: their records say why."',
        ),
      },
    },
  };
}
