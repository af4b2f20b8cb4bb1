import { jsonata, quoted } from '../states-language.ts';

/** From an event of the registry to a stack that serves the model of which it tells. */
export function deploymentDefinition(parameter: string): object {
  const lookAtStack = (next: string) => ({
    Type: 'Task',
    Resource: 'arn:${Partition}:states:::aws-sdk:cloudformation:describeStacks',
    Arguments: { StackName: '${Stack}' },
    Assign: {
      status: jsonata('$states.result.Stacks[0].StackStatus'),
      parameters: jsonata('[$states.result.Stacks[0].Parameters]'),
    },
    Output: {},
    Next: next,
  });
  const wait = (next: string) => ({ Type: 'Wait', Seconds: 30, Next: next });
  const isBusy = { Condition: jsonata('$contains($status, "IN_PROGRESS")') };
  return {
    Comment: 'Has the endpoint serve the model that was approved',
    QueryLanguage: 'JSONata',
    StartAt: 'FindModel',
    States: {
      FindModel: {
        Type: 'Task',
        Resource: 'arn:${Partition}:states:::aws-sdk:sagemaker:describeModelPackage',
        Arguments: { ModelPackageName: jsonata('$states.input.detail.ModelPackageArn') },
        Assign: {
          model: jsonata(
            '$states.result.InferenceSpecification.Containers[0].ModelDataSource.S3DataSource.S3Uri',
          ),
        },
        Output: {},
        Next: 'LookAtStack',
      },
      LookAtStack: lookAtStack('IsItNeeded'),
      IsItNeeded: {
        Type: 'Choice',
        Choices: [
          // Somebody else updates the stack, perhaps with another model: that comes to its end first.
          { ...isBusy, Next: 'WaitForOthers' },
          {
            Condition: jsonata(
              `$model = $parameters[ParameterKey = ${quoted(parameter)}].ParameterValue`,
            ),
            Next: 'Deployed',
          },
        ],
        Default: 'UpdateStack',
      },
      WaitForOthers: wait('LookAtStack'),
      UpdateStack: {
        Type: 'Task',
        Resource: 'arn:${Partition}:states:::aws-sdk:cloudformation:updateStack',
        Arguments: {
          StackName: '${Stack}',
          UsePreviousTemplate: true,
          Capabilities: ['CAPABILITY_IAM', 'CAPABILITY_NAMED_IAM'],
          Parameters: jsonata(
            `[$parameters.(ParameterKey = ${quoted(parameter)} ? {"ParameterKey": ParameterKey, "ParameterValue": $model} : {"ParameterKey": ParameterKey, "UsePreviousValue": true})]`,
          ),
        },
        Output: {},
        Next: 'Wait',
      },
      Wait: wait('Follow'),
      Follow: lookAtStack('HasItCome'),
      HasItCome: {
        Type: 'Choice',
        Choices: [
          { ...isBusy, Next: 'Wait' },
          { Condition: jsonata('$status = "UPDATE_COMPLETE"'), Next: 'Deployed' },
        ],
        Default: 'NotDeployed',
      },
      Deployed: { Type: 'Succeed', Output: { model: jsonata('$model') } },
      NotDeployed: {
        Type: 'Fail',
        Error: 'NotDeployed',
        Cause: jsonata(
          '"The stack is " & $status & ". Its events say what failed; the endpoint serves what it served before."',
        ),
      },
    },
  };
}
