import { type Dimensions, dimensionsOf, exampleProduct, type Product } from '../matrix.ts';
import { MAX_DIMENSION } from '../stepper.ts';
import { element } from './draw.ts';

export function numberField(name: string, value: number, max: number, change: (value: number) => void): HTMLElement {
  const input = element('input', '');
  input.type = 'number';
  input.min = '1';
  input.max = String(max);
  input.value = String(value);
  input.addEventListener('change', () => {
    const typed = Math.min(Math.max(Math.round(Number(input.value)) || 1, 1), max);
    input.value = String(typed);
    change(typed);
  });
  return element('label', '', `${name} `, input);
}

export function checkbox(name: string, checked: boolean, change: (checked: boolean) => void): HTMLElement {
  const input = element('input', '');
  input.type = 'checkbox';
  input.checked = checked;
  input.addEventListener('change', () => change(input.checked));
  return element('label', '', input, ` ${name}`);
}

export function choice<Name extends string>(
  names: readonly Name[],
  chosen: Name,
  change: (name: Name) => void,
): HTMLElement {
  const select = element('select', '');
  for (const name of names) {
    const option = element('option', '', name);
    option.selected = name === chosen;
    select.append(option);
  }
  select.addEventListener('change', () => change(names[select.selectedIndex]!));
  return select;
}

/** Sizes of a product; another size is filled with the example's values. */
export function productFields(product: Product, change: (product: Product) => void): HTMLElement[] {
  const dimensions = dimensionsOf(product);
  const names: readonly (keyof Dimensions)[] = ['m', 'k', 'n'];
  return names.map((name) =>
    numberField(name, dimensions[name], MAX_DIMENSION, (value) =>
      change(exampleProduct({ ...dimensions, [name]: value })),
    ),
  );
}
