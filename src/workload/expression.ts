import { InputError } from '../errors.ts';

/** Values that an expression may name. */
export type Scope = Readonly<Record<string, number>>;

/** Longest expression in characters. */
const MAX_EXPRESSION = 200;

/** Evaluates arithmetic over numbers and names: + - * / ( ) and comparisons == < > (1 or 0). */
export function evaluate(text: string, scope: Scope, where: string): number {
  if (text.length > MAX_EXPRESSION)
    throw InputError.of(where, `an expression of ${text.length} characters`, `use at most ${MAX_EXPRESSION}`);
  const tokens = text.match(/\d+(?:\.\d+)?|[A-Za-z_]\w*|==|[-+*/()<>]|\S/g) ?? [];
  let position = 0;
  const fail = (found: string): InputError =>
    InputError.of(
      where,
      `=${text}: ${found}`,
      `use numbers, + - * / ( ), == < > and these names: ${Object.keys(scope).join(', ') || 'none'}`,
    );
  const primary = (): number => {
    const token = tokens[position++];
    if (token === undefined) throw fail('ends too soon');
    if (token === '-') return -primary();
    if (token === '(') {
      const value = comparison();
      if (tokens[position++] !== ')') throw fail('a parenthesis is not closed');
      return value;
    }
    if (/^\d/.test(token)) return Number(token);
    const value = Object.hasOwn(scope, token) ? scope[token] : undefined;
    if (value === undefined) throw fail(`${token} is not known`);
    return value;
  };
  const product = (): number => {
    let value = primary();
    while (tokens[position] === '*' || tokens[position] === '/')
      value = tokens[position++] === '*' ? value * primary() : value / primary();
    return value;
  };
  const sum = (): number => {
    let value = product();
    while (tokens[position] === '+' || tokens[position] === '-')
      value = tokens[position++] === '+' ? value + product() : value - product();
    return value;
  };
  const comparison = (): number => {
    const left = sum();
    const operator = tokens[position];
    if (operator !== '==' && operator !== '<' && operator !== '>') return left;
    position++;
    const right = sum();
    return Number(operator === '==' ? left === right : operator === '<' ? left < right : left > right);
  };
  const value = comparison();
  if (position < tokens.length) throw fail(`${tokens[position]} is not expected`);
  return value;
}
