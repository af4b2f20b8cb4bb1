import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Alias,
  Architecture,
  Code,
  Function,
  FunctionUrlAuthType,
  InvokeMode,
  LoggingFormat,
  Runtime,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { applyGuardrailStatement, type BedrockGuardrail } from './bedrock-guardrail.ts';
import { invokeModelStatements, type BedrockModel } from './bedrock-model.ts';

/** Settings of a {@link DescribeFunction}. */
export interface DescribeFunctionProps {
  /** The zip that holds the binary `bootstrap`, or a folder that does. */
  readonly assetPath: string;
  /** What the binary was built for. */
  readonly architecture: Architecture;
  /** Lambda gives processor time in proportion to it. */
  readonly memoryMib: number;
  readonly timeout: Duration;
  readonly environment: Record<string, string>;
  /**
   * How many invocations there may be at a time; as many are set aside of the account's.
   *
   * @default - as many as the account has left
   */
  readonly reservedConcurrency?: number;
  /**
   * How many invocations find a process that is already started; paid for by the hour.
   *
   * @default - none: a process is started by the first invocation that needs it
   */
  readonly provisionedConcurrency?: number;
  /**
   * Whether asynchronous invocations that failed at every attempt are kept a second time, in a queue
   * of dead letters: as they were sent, without the error, for what reads such queues.
   */
  readonly deadLetterQueue: boolean;
  /**
   * The function's own URL, for signed requests: none, or one that is answered when all is there
   * (`buffered`) or as it comes to be (`stream`).
   */
  readonly url: 'none' | 'buffered' | 'stream';
  /**
   * X-Ray: `active` records a share of the invocations, `pass-through` none. Either way the trace
   * that an invocation belongs to goes on to the endpoint and to Bedrock.
   */
  readonly tracing: 'active' | 'pass-through';
  /** The models that may write the description. */
  readonly bedrockModels: readonly BedrockModel[];
  /** The region that Bedrock is called in. */
  readonly bedrockRegion: string;
  /**
   * The guardrail that the calls of models go through.
   *
   * @default - none
   */
  readonly guardrail?: BedrockGuardrail;
  readonly logRetention: RetentionDays;
}

/** The function that turns a photo into attributes and a description. */
export class DescribeFunction extends Construct {
  readonly function: Function;
  /** The version that is in force. Whatever invokes the function invokes this. */
  readonly alias: Alias;
  /** The function's own URL, where it has one. */
  readonly url: string | undefined;
  /** The asynchronous invocations that failed at every attempt, each with its error. */
  readonly failures: Queue;
  /** The same as they were sent, where that is wanted. */
  readonly deadLetters: Queue | undefined;

  constructor(scope: Construct, id: string, props: DescribeFunctionProps) {
    super(scope, id);
    const problem = problemOfAsset(props.assetPath);
    if (problem !== undefined) {
      throw new Error(
        `function.assetPath: ${problem}: build it with "make package", or name another`,
      );
    }
    const logGroup = new LogGroup(this, 'Logs', {
      retention: props.logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    // A role of its own: the one that Lambda's construct makes may write to every log group.
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      description:
        'Describes products: reads photos, asks the endpoint and Bedrock, writes results',
    });
    logGroup.grantWrite(role);
    const streaming = props.url === 'stream';
    for (const model of props.bedrockModels) {
      for (const statement of invokeModelStatements(
        Stack.of(this),
        model,
        props.bedrockRegion,
        streaming,
      )) {
        role.addToPrincipalPolicy(statement);
      }
    }
    if (props.guardrail !== undefined) {
      role.addToPrincipalPolicy(
        applyGuardrailStatement(Stack.of(this), props.guardrail, props.bedrockRegion),
      );
    }
    this.failures = this.queue('Failures');
    this.deadLetters = props.deadLetterQueue ? this.queue('DeadLetters') : undefined;
    this.function = new Function(this, 'Function', {
      description: 'Describes a product from its photo',
      runtime: Runtime.PROVIDED_AL2023,
      handler: 'bootstrap',
      code: Code.fromAsset(props.assetPath),
      architecture: props.architecture,
      memorySize: props.memoryMib,
      timeout: props.timeout,
      // The function must answer as its URL is called.
      environment: { ...props.environment, RESPONSE_MODE: streaming ? 'stream' : 'buffered' },
      role,
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      reservedConcurrentExecutions: props.reservedConcurrency,
      deadLetterQueue: this.deadLetters,
      // Active, CDK allows the role to send what is recorded. To leave it out is Lambda's own
      // pass-through; CDK's PASS_THROUGH would ask for the same rights.
      tracing: props.tracing === 'active' ? Tracing.ACTIVE : Tracing.DISABLED,
    });
    this.alias = new Alias(this, 'Live', {
      aliasName: 'live',
      version: this.function.currentVersion,
      provisionedConcurrentExecutions: props.provisionedConcurrency,
      // These three are for asynchronous invocations. The stack makes none itself, but a topic and
      // everybody who asks for no answer do.
      retryAttempts: 2,
      maxEventAge: Duration.hours(6),
      onFailure: new SqsDestination(this.failures),
    });
    this.url =
      props.url === 'none'
        ? undefined
        : this.alias.addFunctionUrl({
            authType: FunctionUrlAuthType.AWS_IAM,
            invokeMode: streaming ? InvokeMode.RESPONSE_STREAM : InvokeMode.BUFFERED,
          }).url;
  }

  /** A queue for what failed, from which messages are taken by hand. */
  private queue(id: string): Queue {
    return new Queue(this, id, {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
  }
}

/** What is no asset of a function; CDK and Lambda would say so late, and not of which setting. */
function problemOfAsset(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) {
    return `${path} does not exist`;
  }
  if (stat.isDirectory()) {
    return existsSync(join(path, 'bootstrap')) ? undefined : `${path} has no file bootstrap`;
  }
  return stat.isFile() && path.endsWith('.zip')
    ? undefined
    : `${path} is neither a .zip file nor a folder`;
}
