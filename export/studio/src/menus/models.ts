// Which model draws: those beside the page.

export interface Entry {
  readonly name: string;
  /** Where it is, relative to the page. */
  readonly file: string;
  readonly bytes: number;
}

export async function listModels(): Promise<Entry[]> {
  const response = await fetch('./models.json');
  if (!response.ok) throw new Error(`models.json: ${response.status}`);
  return (await response.json()) as Entry[];
}
