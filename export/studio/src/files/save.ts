// Files for the user.

/** Offers a Blob for download. */
export function save(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export function fileName(words: string, ending: string): string {
  return `${words.replace(/\W+/g, '-') || 'sketch'}.${ending}`;
}
