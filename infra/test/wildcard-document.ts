import { isOfResource, isOfRole, RESOURCE_WILDCARDS, WILDCARDS } from './wildcards.ts';

const HEAD = `# Wildcards

Every wildcard in what the stack allows, in all variants of the settings that the tests look at
(\`test/variants.ts\`), with its reason (\`test/wildcards.ts\`). \`test/policies.test.ts\` finds no other,
and no reason that nothing needs. \`npm run snapshots\` writes this file.

The names are those of the tests: a stack \`Test\`, \`\${…}\` for what CloudFormation knows, and \`…\` for
what it works out.
`;

/**
 * The wildcards as a document.
 *
 * @param ofRoles as `action → resource`
 * @param ofResources as `principal: action → what`
 */
export function wildcardDocument(
  ofRoles: readonly string[],
  ofResources: readonly string[],
): string {
  const roles = WILDCARDS.map((wildcard) => {
    const parts = ofRoles.filter((text) => isOfRole(wildcard, text)).map(cut);
    return row([
      inCode(parts.map(([action]) => action)),
      inCode(parts.map(([, what]) => what)),
      wildcard.reason,
    ]);
  });
  const resources = RESOURCE_WILDCARDS.map((wildcard) => {
    const parts = ofResources.filter((text) => isOfResource(wildcard, text)).map(cut);
    return row([
      inCode(parts.map(([who]) => who)),
      inCode(parts.map(([, what]) => what)),
      wildcard.reason,
    ]);
  });
  return [
    HEAD,
    '## What roles may do\n',
    row(['action', 'on', 'why']),
    '|---|---|---|',
    ...roles,
    '\n## What resources let others do\n',
    row(['who: action', 'on', 'why']),
    '|---|---|---|',
    ...resources,
    '',
  ].join('\n');
}

/** What stands before and behind the arrow. */
function cut(text: string): [string, string] {
  const [before = '', after = ''] = text.split(' → ');
  return [before, after];
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function inCode(texts: readonly string[]): string {
  return [...new Set(texts.map(readable))]
    .sort()
    .map((text) => `\`${text}\``)
    .join('<br>');
}

/** Without the hashes in logical ids, and without CloudFormation's functions. */
function readable(text: string): string {
  return text
    .replace(/\$\{(\w+?)[0-9A-F]{8}((?:\.\w+)?)\}/g, '$${$1$2}')
    .replace(/\{"Fn::.*\}/, '…');
}
