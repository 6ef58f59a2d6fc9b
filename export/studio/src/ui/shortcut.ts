// Ctrl (or Command) and a letter.

export function onShortcut(letter: string, run: () => void): void {
  document.addEventListener('keydown', (event) => {
    const control = event.ctrlKey || event.metaKey;
    if (!control || event.shiftKey || event.key.toLowerCase() !== letter) return;
    event.preventDefault();
    run();
  });
}
