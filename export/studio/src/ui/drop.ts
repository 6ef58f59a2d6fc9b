// Files that are dropped anywhere on the page.

/** Calls `open` with what is dropped. */
export function onDrop(open: (files: readonly File[]) => void): void {
  const over = (is: boolean) => document.body.classList.toggle('over', is);
  const hasFiles = ({dataTransfer}: DragEvent) =>
    dataTransfer?.types.includes('Files');
  document.addEventListener('dragover', (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    over(true);
  });
  document.addEventListener('dragleave', ({relatedTarget}) => {
    if (!relatedTarget) over(false);
  });
  document.addEventListener('drop', (event) => {
    over(false);
    if (!hasFiles(event)) return;
    event.preventDefault();
    open([...event.dataTransfer!.files]);
  });
}
