import { ArnFormat, Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';

/**
 * What stands before the model in the id of a system-defined inference profile: the geography
 * in whose regions Bedrock may run the request.
 */
const PROFILE_GEOGRAPHIES = ['apac', 'au', 'ca', 'eu', 'global', 'jp', 'us', 'us-gov'];

const MODEL_ID = /^[a-z0-9-]+(\.[a-z0-9-]+)+(:[a-z0-9]+)*$/i;

const MODEL_ARN =
  /^arn:aws[a-z-]*:bedrock:[a-z0-9-]*:(?:\d{12})?:(foundation-model|provisioned-model|inference-profile|application-inference-profile)\/(\S+)$/;

/** The actions of InvokeModel and Converse, and of their streaming forms. */
const INVOKE = 'bedrock:InvokeModel';
const INVOKE_STREAMING = 'bedrock:InvokeModelWithResponseStream';

/** A model as the function's `BEDROCK_MODEL_IDS` may name it. */
export type BedrockModel =
  | { readonly kind: 'model-id'; readonly model: string }
  | { readonly kind: 'model-arn'; readonly arn: string }
  | { readonly kind: 'profile-id'; readonly id: string; readonly model: string }
  /** `model` is "*" for an application's own profile, whose name does not tell its model. */
  | { readonly kind: 'profile-arn'; readonly arn: string; readonly model: string };

/** Tells the kinds of identifier apart; `undefined` for what is none of them. */
export function parseBedrockModel(identifier: string): BedrockModel | undefined {
  const [, arnKind, name] = MODEL_ARN.exec(identifier) ?? [];
  if (arnKind !== undefined && name !== undefined) {
    switch (arnKind) {
      case 'inference-profile':
        return { kind: 'profile-arn', arn: identifier, model: withoutGeography(name) ?? '*' };
      case 'application-inference-profile':
        return { kind: 'profile-arn', arn: identifier, model: '*' };
      default:
        return { kind: 'model-arn', arn: identifier };
    }
  }
  if (!MODEL_ID.test(identifier)) {
    return undefined;
  }
  const model = withoutGeography(identifier);
  return model === undefined
    ? { kind: 'model-id', model: identifier }
    : { kind: 'profile-id', id: identifier, model };
}

/**
 * Who made a model, as its id begins ("anthropic"); `undefined` where the identifier does not tell, as
 * that of an application's own profile.
 */
export function makerOf(identifier: string): string | undefined {
  const model = parseBedrockModel(identifier);
  const name =
    model?.kind === 'model-arn' ? /:foundation-model\/(.+)$/.exec(model.arn)?.[1] : model?.model;
  const [maker, ...rest] = (name ?? '').split('.');
  return rest.length === 0 ? undefined : maker;
}

/** Where regions begin so, the profiles of one geography are at home. Others may have several. */
const HOMES: readonly (readonly [region: string, geographies: readonly string[]])[] = [
  ['us-gov-', ['us-gov']],
  ['us-', ['us', 'global']],
  ['eu-', ['eu', 'global']],
  ['ap-northeast-', ['apac', 'jp', 'global']],
  ['ap-southeast-', ['apac', 'au', 'global']],
  ['ap-', ['apac', 'global']],
];

/**
 * Why a model or a guardrail can't be had by calls of Bedrock in a region; `undefined` where it can, or
 * nothing is known against it. Takes ids of inference profiles, and ARNs with a region.
 */
export function elsewhere(identifier: string, region: string): string | undefined {
  const [, arnRegion = ''] = /^arn:[^:]*:bedrock:([^:]*):/.exec(identifier) ?? [];
  if (arnRegion !== '') {
    return arnRegion === region ? undefined : `it lies in ${arnRegion}`;
  }
  const model = parseBedrockModel(identifier);
  const home = HOMES.find(([beginning]) => region.startsWith(beginning));
  if (model?.kind !== 'profile-id' || home === undefined) {
    return undefined;
  }
  const geography = identifier.slice(0, identifier.indexOf('.'));
  const [, geographies] = home;
  return geographies.includes(geography)
    ? undefined
    : `profiles there are those of ${geographies.join(', ')}`;
}

function withoutGeography(profileId: string): string | undefined {
  const dot = profileId.indexOf('.');
  return PROFILE_GEOGRAPHIES.includes(profileId.slice(0, dot))
    ? profileId.slice(dot + 1)
    : undefined;
}

/**
 * The permission to invoke one model.
 *
 * @param stack whose partition and account stand in the ARNs
 * @param region the region that Bedrock is called in
 * @param streaming whether texts are told while they are written, too
 */
export function invokeModelStatements(
  stack: Stack,
  model: BedrockModel,
  region: string,
  streaming = false,
): PolicyStatement[] {
  const actions = streaming ? [INVOKE, INVOKE_STREAMING] : [INVOKE];
  const allow = (resource: string) => new PolicyStatement({ actions, resources: [resource] });
  switch (model.kind) {
    case 'model-id':
      return [allow(foundationModelArn(stack, region, model.model))];
    case 'model-arn':
      return [allow(model.arn)];
    case 'profile-id': {
      const arn = stack.formatArn({
        service: 'bedrock',
        region,
        resource: 'inference-profile',
        resourceName: model.id,
      });
      return profileStatements(stack, allow, arn, model.model);
    }
    case 'profile-arn':
      return profileStatements(stack, allow, model.arn, model.model);
  }
}

/**
 * A call through a profile needs the profile and, in the region that Bedrock picks for the call,
 * the model behind it.
 */
function profileStatements(
  stack: Stack,
  allow: (resource: string) => PolicyStatement,
  profileArn: string,
  model: string,
): PolicyStatement[] {
  // Any region: AWS adds regions to a profile over time, and the global profile has them all. The
  // condition confines it to calls through this profile, which for the same reason also bounds
  // the models where an application's profile does not tell which one it is for.
  const throughProfile = allow(foundationModelArn(stack, '*', model));
  throughProfile.addCondition('StringEquals', { 'bedrock:InferenceProfileArn': profileArn });
  return [allow(profileArn), throughProfile];
}

function foundationModelArn(stack: Stack, region: string, model: string): string {
  return stack.formatArn({
    service: 'bedrock',
    region,
    account: '',
    resource: 'foundation-model',
    resourceName: model,
    arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
  });
}
