import type { Duration } from 'aws-cdk-lib';
import { JOB_OF_RUN } from '../job-names.ts';
import { jsonata } from '../states-language.ts';
import type { Score } from './contract.ts';
import { decisionStates } from './pipeline-decision.ts';
import { CATALOGUE_ARGUMENTS, evaluateState, prepareState, trainState } from './pipeline-jobs.ts';
import { PLACES } from './places.ts';

/** What a {@link pipelineDefinition} is made from. */
export interface PipelineDefinitionProps {
  /** What the names of the jobs begin with; at most 20 characters, all in lower case. */
  readonly jobPrefix: string;
  /** For training and evaluation. */
  readonly instanceType: string;
  readonly prepareInstanceType: string;
  /** Room for the catalogue's photos, the checkpoint and the features of photos. */
  readonly volumeGib: number;
  /** Whether training takes instances that may be taken away, at a lower price. */
  readonly spot: boolean;
  /** How long a training job may compute, … */
  readonly maximumRuntime: Duration;
  /** … and, on spot instances, compute and wait for them. */
  readonly maximumWait: Duration;
  /** Where the evaluation computes. */
  readonly device: 'cpu' | 'cuda';
  /** Those that differ from the trainer's own; an execution may give others. */
  readonly hyperparameters: Readonly<Record<string, string>>;
  /** The score that decides, and what it must reach. */
  readonly metric: Score;
  readonly threshold: number;
  /** Whether there is a topic to tell of what comes out. */
  readonly tells: boolean;
}

/**
 * The pipeline: prepare → train → evaluate → register, where the score is high enough. Its input
 * names folders of the training bucket; what else it takes, infra/README.md says.
 */
export function pipelineDefinition(props: PipelineDefinitionProps): object {
  return {
    Comment: 'Makes a model from a catalogue and registers it for approval',
    QueryLanguage: 'JSONata',
    StartAt: 'CheckInput',
    States: {
      ...beginning(props),
      Prepare: prepareState(props, 'Train'),
      Train: trainState(props, 'Evaluate'),
      Evaluate: evaluateState(props, 'ReadScores'),
      ...decisionStates(props),
    },
  };
}

/** The input becomes variables, of which every later state makes its own. */
function beginning({ hyperparameters }: PipelineDefinitionProps): object {
  const folder = (input: string) => `"s3://\${Bucket}/" & $replace(${input}, /\\/+$/, "") & "/"`;
  const given = (name: string, otherwise: string) =>
    `$exists($states.input.${name}) ? $states.input.${name} : ${otherwise}`;
  return {
    CheckInput: {
      Type: 'Choice',
      Choices: [
        {
          Condition: jsonata(
            '$type($states.input.catalogue) = "string" and $type($states.input.model) = "string"',
          ),
          Next: 'Begin',
        },
      ],
      Default: 'InputMissing',
    },
    InputMissing: {
      Type: 'Fail',
      Error: 'InputMissing',
      Cause: `Give {"catalogue": "${PLACES.catalogues}<name>/", "model": "${PLACES.models}<name>/"}: folders of the training bucket with the data set and with the checkpoint to begin from.`,
    },
    Begin: {
      Type: 'Pass',
      Assign: {
        run: jsonata('$states.context.Execution.Name'),
        job: jsonata(JOB_OF_RUN),
        catalogue: jsonata(folder('$states.input.catalogue')),
        images: jsonata(
          `$states.input.images = "prepared" ? "s3://\${Bucket}/${PLACES.runs}" & $states.context.Execution.Name & "/prepared/images/" : $exists($states.input.images) ? ${folder('$states.input.images')} : ${folder('$states.input.catalogue')} & "images/"`,
        ),
        base: jsonata(folder('$states.input.model')),
        hyperparameters: jsonata(
          `$merge([${JSON.stringify(hyperparameters)}, ${given('hyperparameters', '{}')}])`,
        ),
        prepareArguments: jsonata(given('prepareArguments', JSON.stringify(CATALOGUE_ARGUMENTS))),
      },
      Next: 'Prepare',
    },
  };
}
