// Texts of the user's at the length that the page shows.

const mostText = 100;

export function cut(text: string, most: number = mostText): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
