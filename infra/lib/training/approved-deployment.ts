import { Stack } from 'aws-cdk-lib';
import type { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import { Rule } from 'aws-cdk-lib/aws-events';
import { SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import { Policy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { Workflow } from '../workflow.ts';
import { deploymentDefinition } from './deployment-definition.ts';
import { modelPackageArn } from './model-registry.ts';

/** Settings of an {@link ApprovedDeployment}. */
export interface ApprovedDeploymentProps {
  /** The group whose models are deployed when they are approved. */
  readonly modelGroupName: string;
  /** The stack's parameter that says which model the endpoint serves. */
  readonly modelDataParameter: string;
  readonly logRetention: RetentionDays;
  /**
   * Who is told when a deployment failed.
   *
   * @default - nobody; CloudWatch shows it
   */
  readonly alarmTopic?: ITopic;
}

/**
 * Deploys a model as soon as it is approved in the registry.
 *
 * The endpoint is CloudFormation's. So it is CloudFormation that is told: the stack is updated with
 * its own template and one other parameter. Nothing drifts, a failed update is rolled back as any
 * other, and the next `cdk deploy` keeps the parameter.
 */
export class ApprovedDeployment extends Construct {
  readonly stateMachine: StateMachine;
  readonly alarm: Alarm;

  constructor(scope: Construct, id: string, props: ApprovedDeploymentProps) {
    super(scope, id);
    const stack = Stack.of(this);
    const workflow = new Workflow(this, 'Workflow', {
      description: 'Updates this stack by the parameter that says which model the endpoint serves',
      definition: deploymentDefinition(props.modelDataParameter),
      substitutions: { Stack: stack.stackId },
      failure:
        'An approved model was not deployed: the execution says why, the events of the stack what failed',
      logRetention: props.logRetention,
      alarmTopic: props.alarmTopic,
    });
    this.stateMachine = workflow.stateMachine;
    this.alarm = workflow.alarm;
    const permissions = new Policy(this, 'Permissions', {
      roles: [workflow.role],
      statements: [
        new PolicyStatement({
          actions: ['sagemaker:DescribeModelPackage'],
          resources: [modelPackageArn(stack, props.modelGroupName)],
        }),
        new PolicyStatement({
          actions: ['cloudformation:DescribeStacks'],
          resources: [stack.stackId],
        }),
        // What the update does, CloudFormation does as the role that the stack was deployed with.
        // No template from elsewhere, and no other role.
        new PolicyStatement({
          actions: ['cloudformation:UpdateStack'],
          resources: [stack.stackId],
          conditions: {
            Null: { 'cloudformation:TemplateUrl': 'true', 'cloudformation:RoleArn': 'true' },
          },
        }),
      ],
    });
    this.stateMachine.node.addDependency(permissions);
    new Rule(this, 'Approved', {
      description: 'Models that are approved in the registry',
      eventPattern: {
        source: ['aws.sagemaker'],
        detailType: ['SageMaker Model Package State Change'],
        detail: {
          ModelPackageGroupName: [props.modelGroupName],
          ModelApprovalStatus: ['Approved'],
        },
      },
      targets: [new SfnStateMachine(this.stateMachine)],
    });
  }
}
