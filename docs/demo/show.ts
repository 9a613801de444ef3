const colour = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
const paint = (code: string, text: string): string => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);

let chapters = 0;

export function chapter(title: string): void {
  chapters += 1;
  console.log(`\n${paint('1;36', `${chapters}. ${title}`)}`);
}

/** A paragraph, wrapped at the width of a terminal. */
export function say(text: string): void {
  const lines: string[] = [''];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1) ?? '';
    if (last.length + word.length < 96) lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
    else lines.push(word);
  }
  console.log(lines.map((line) => `   ${line}`).join('\n'));
}

export function list(lines: readonly string[]): void {
  for (const line of lines) console.log(`     ${paint('2', line)}`);
}

export function typed(command: string): void {
  console.log(`\n   ${paint('1;32', '$')} ${paint('1', command)}`);
}

export function printed(text: string): void {
  for (const line of text.trimEnd().split('\n')) console.log(`     ${line}`);
}
