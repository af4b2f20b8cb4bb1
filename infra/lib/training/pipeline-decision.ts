import { jsonata } from '../states-language.ts';
import { EVALUATION } from './contract.ts';
import type { PipelineDefinitionProps } from './pipeline-definition.ts';
import { ofRun, RETRY } from './pipeline-parts.ts';
import { PLACES } from './places.ts';

/** From the scores to a registered model, or to none. */
export function decisionStates({ metric, threshold, tells }: PipelineDefinitionProps): object {
  const value = `$summary.${metric}.value`;
  const score = `($exists(${value}) ? ${value} : null)`;
  const evaluation = (file: string) => ofRun(`/evaluation/${file}`);
  const about = {
    metric,
    threshold,
    score: jsonata(score),
    evaluation: jsonata(ofRun('/evaluation/')),
  };
  return {
    ReadScores: {
      Type: 'Task',
      Resource: 'arn:${Partition}:states:::aws-sdk:s3:getObject',
      Arguments: {
        Bucket: '${Bucket}',
        Key: jsonata(`"${PLACES.runs}" & $run & "/evaluation/${EVALUATION.summary}"`),
      },
      Assign: { summary: jsonata('$parse($states.result.Body)') },
      Output: {},
      Next: 'Compare',
    },
    Compare: {
      Type: 'Choice',
      Choices: [
        {
          // A score that is not defined is null.
          Condition: jsonata(
            `$type(${value}) = "number" ? ${value} >= ${String(threshold)} : false`,
          ),
          Next: 'Register',
        },
      ],
      Default: tells ? 'TellOfTooLow' : 'TooLow',
    },
    ...(tells
      ? {
          TellOfTooLow: publish(
            'A model is not good enough to be registered',
            `"The run " & $run & " reached " & $string(${score}) & " of ${metric}, and ${String(threshold)} is asked for. Look at " & ${evaluation('evaluation.html')} & "."`,
            'TooLow',
          ),
        }
      : {}),
    TooLow: { Type: 'Succeed', Output: { registered: false, ...about } },
    Register: {
      Type: 'Task',
      Resource: 'arn:${Partition}:states:::aws-sdk:sagemaker:createModelPackage',
      Arguments: {
        ModelPackageGroupName: '${ModelGroup}',
        ModelPackageDescription: jsonata(
          `"Run " & $run & ": " & $string(${score}) & " of ${metric}"`,
        ),
        ModelApprovalStatus: 'PendingManualApproval',
        InferenceSpecification: {
          Containers: [
            {
              Image: '${ModelServerImage}',
              ModelDataSource: {
                S3DataSource: {
                  S3Uri: jsonata('$model'),
                  S3DataType: 'S3Prefix',
                  CompressionType: 'None',
                },
              },
            },
          ],
        },
        ModelMetrics: {
          ModelQuality: {
            Statistics: {
              ContentType: 'application/json',
              S3Uri: jsonata(evaluation(EVALUATION.report)),
            },
          },
        },
        CustomerMetadataProperties: {
          run: jsonata('$run'),
          metric,
          score: jsonata(`$string(${score})`),
        },
      },
      Retry: RETRY,
      Assign: { package: jsonata('$states.result.ModelPackageArn') },
      Output: {},
      Next: tells ? 'AskForApproval' : 'Registered',
    },
    ...(tells
      ? {
          AskForApproval: publish(
            'A model waits for approval',
            `"The run " & $run & " reached " & $string(${score}) & " of ${metric}. Look at " & ${evaluation('evaluation.html')} & " and approve it by\\n\\naws sagemaker update-model-package --model-approval-status Approved --model-package-arn " & $package`,
            'Registered',
          ),
        }
      : {}),
    Registered: {
      Type: 'Succeed',
      Output: {
        registered: true,
        modelPackage: jsonata('$package'),
        model: jsonata('$model'),
        ...about,
      },
    },
  };
}

function publish(subject: string, message: string, next: string): object {
  return {
    Type: 'Task',
    Resource: 'arn:${Partition}:states:::sns:publish',
    Arguments: { TopicArn: '${Topic}', Subject: subject, Message: jsonata(message) },
    Output: {},
    Next: next,
  };
}
