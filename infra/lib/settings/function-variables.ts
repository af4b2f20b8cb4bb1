import {
  DEFAULT_MAX_TOKENS,
  DEFAULT_WORDS,
  language,
  mostWords,
  namespace,
  words,
} from './function-values.ts';
import { variables } from './variables.ts';
import { anyText, number, oneOf, orElse, textOf, type ValueRule, whole } from './value-rules.ts';

/** Variables that the stack sets on the function, and the setting that each of them follows. */
export const MANAGED_VARIABLES: ReadonlyMap<string, string> = new Map([
  ['ENDPOINT_NAME', 'endpoint.name'],
  ['INFERENCE_COMPONENT_NAME', 'endpoint.mode'],
  ['BEDROCK_MODEL_IDS', 'bedrock.modelIds'],
  ['BEDROCK_REGION', 'bedrock.region'],
  ['BEDROCK_API', 'bedrock.api'],
  ['GUARDRAIL_ID', 'bedrock.guardrail'],
  ['GUARDRAIL_VERSION', 'bedrock.guardrail'],
  ['INCOMING_PREFIX', 'catalogue.incomingPrefix'],
  ['OUTPUT_PREFIX', 'catalogue.descriptionsPrefix'],
  ['FAILURE_PREFIX', 'catalogue.failuresPrefix'],
  ['CLAIM_PREFIX', 'catalogue.claimsPrefix'],
  ['IDEMPOTENCY_LOCATION', 'api.idempotencyDays'],
  ['PRODUCT_CONCURRENCY', 'function.productConcurrency'],
  ['RESPONSE_MODE', 'function.url'],
]);

/** Where results go, which the stack does not let anybody choose. */
export const OUTPUT_BUCKET = 'OUTPUT_BUCKET';

const tokens = whole(1, 64_000);
const fewWords = textOf(1000);

/** The function's other variables, with what it takes for them where that can be said in short. */
export const FREE_VARIABLES: ReadonlyMap<string, ValueRule> = new Map([
  ['ATTRIBUTE_REQUESTS', oneOf('batched', 'per-question')],
  ['ATTRIBUTE_SET', anyText],
  ['AUDIENCE', fewWords],
  ['BANNED_WORDS', anyText],
  ['BRAND_VOICE', fewWords],
  ['CLAIM_PRODUCTS', oneOf('yes', 'no')],
  ['CONFIDENCE_FLOOR', number(0, 1)],
  ['DEFAULT_CATEGORY', anyText],
  ['DEFAULT_FORMAT', oneOf('description', 'listing')],
  ['DESCRIPTION_LANGUAGE', language],
  ['DESCRIPTION_WORDS', words],
  ['ENDPOINT_CONCURRENCY', whole(1, 256)],
  ['ENDPOINT_HEDGE_MS', orElse('0', whole(100, 60_000))],
  ['ENDPOINT_MAX_PAYLOAD_BYTES', whole(65_536, 67_108_864)],
  ['HTTP_TIMEOUT_MS', whole(1000, 900_000)],
  ['LISTING_MAX_TOKENS', tokens],
  ['LOW_CONFIDENCE', oneOf('leave-out', 'hedge')],
  ['MAX_TOKENS', tokens],
  ['METRICS_NAMESPACE', namespace],
  ['MODEL_PRICES', anyText],
  ['PROMPT_TEMPLATE', anyText],
  ['TEMPERATURE', orElse('none', number(0, 1))],
  ['UNFAITHFUL_DESCRIPTIONS', oneOf('return', 'hold', 'drop')],
]);

/** What reads these is not the function's own code: its log, its runtime, its TLS, its allocator. */
const OF_ITS_LIBRARIES = ['RUST_BACKTRACE', 'RUST_LOG', 'SSL_CERT_DIR', 'SSL_CERT_FILE'];
const OF_ITS_ALLOCATOR = 'MIMALLOC_';

/**
 * Not for this stack: Lambda sets most of these itself, and the rest would lead its runtime or the
 * SDK elsewhere.
 */
const LAMBDAS = /^(AWS|LAMBDA)_/;

/**
 * The variables that may be set beside those that the stack sets, with values that the function
 * takes, as far as that can be said in short.
 */
export const functionVariables = variables.superRefine((environment, context) => {
  for (const [name, value] of Object.entries(environment)) {
    const message = problemOf(name, value);
    if (message !== undefined) {
      context.addIssue({ code: 'custom', path: [name], message });
    }
  }
  const most = mostWords(textOfVariable(environment, 'DESCRIPTION_WORDS') ?? DEFAULT_WORDS);
  const room = textOfVariable(environment, 'MAX_TOKENS') ?? DEFAULT_MAX_TOKENS;
  if (most !== undefined && tokens.holds(room) && Number(room) < most) {
    const message = `must be at least ${String(most)}, the most words of DESCRIPTION_WORDS`;
    context.addIssue({ code: 'custom', path: ['MAX_TOKENS'], message });
  }
});

/** The function takes what is empty for what is not set, and does without space around it. */
function textOfVariable(
  environment: Readonly<Record<string, string>>,
  name: string,
): string | undefined {
  const text = environment[name]?.trim();
  return text === '' ? undefined : text;
}

function problemOf(name: string, value: string): string | undefined {
  const setting = MANAGED_VARIABLES.get(name);
  if (setting !== undefined) {
    return `must be left out: it follows ${setting}`;
  }
  if (LAMBDAS.test(name)) {
    return "must be left out: it is AWS Lambda's or the SDK's";
  }
  if (name === OUTPUT_BUCKET) {
    return 'must be left out: the function may write to the catalogue bucket only';
  }
  if (OF_ITS_LIBRARIES.includes(name) || name.startsWith(OF_ITS_ALLOCATOR)) {
    return undefined;
  }
  const rule = FREE_VARIABLES.get(name);
  if (rule === undefined) {
    return 'must be left out: the function has no such variable (describe-product --help)';
  }
  const text = textOfVariable({ [name]: value }, name);
  return text === undefined || rule.holds(text) ? undefined : `must be ${rule.allowed}`;
}
