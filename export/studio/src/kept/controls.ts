// What sliders, numbers and switches are set to, by their names.

export type Settings = Readonly<Record<string, string | boolean>>;

const KEPT = ['range', 'number', 'checkbox', 'radio'];

function controls(): [name: string, control: HTMLInputElement][] {
  const inputs = document.querySelectorAll<HTMLInputElement>('main input');
  return [...inputs]
    .filter(({type, disabled}) => KEPT.includes(type) && !disabled)
    .map((input) => [input.id || `${input.name} ${input.value}`, input]);
}

const isSwitch = ({type}: HTMLInputElement) =>
  type === 'checkbox' || type === 'radio';

export function readControls(): Settings {
  return Object.fromEntries(
    controls().map(([name, input]) => [
      name,
      isSwitch(input) ? input.checked : input.value,
    ]),
  );
}

/** Sets those that are there, as if the user had. */
export function setControls(settings: Settings): void {
  for (const [name, input] of controls()) {
    const value = settings[name];
    if (typeof value === 'boolean') input.checked = value;
    else if (value !== undefined) input.value = value;
    else continue;
    input.dispatchEvent(new Event('input', {bubbles: true}));
  }
}
