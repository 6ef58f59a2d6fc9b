// What is wrong with a file: the rule, what came, and what helps.

export class FileError extends Error {
  constructor(rule: string, received: string, remedy: string) {
    super(`${rule}; received ${received}. ${remedy}`);
  }
}
