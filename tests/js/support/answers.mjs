/** What the mock server's model says: one answer for each look the page must have. */

export const CODE_ANSWER = `A palindrome reads the same in both directions. Compare the word with its **reverse**, after removing what does not count:

\`\`\`python
def is_palindrome(word: str) -> bool:
    """True if the word reads the same in both directions."""
    letters = [c.lower() for c in word if c.isalnum()]
    return letters == letters[::-1]


print(is_palindrome("Never odd or even"))  # True
\`\`\`

How it works:

1. Keep only letters and digits, in lower case.
2. Reverse the list with \`[::-1]\`.
3. Compare the two lists.

| Input | Kept | Result |
|:------|:-----|-------:|
| \`level\` | level | true |
| \`Never odd or even\` | neveroddoreven | true |
| \`stream\` | stream | false |

For very long texts, two indexes that walk towards each other need no second list. See the [documentation of slices](https://docs.python.org/3/tutorial/introduction.html#lists).

> The shortest program is not always the clearest one.
`;

export const SHORT_ANSWER = `Sunlight enters a drop of rain, bends, and is reflected inside it. On its way out it bends again, each colour by a slightly different angle. You see the colours side by side because every drop sends you only one of them.`;

export const LONG_ANSWER = Array.from({ length: 14 }, (_, i) => `## Step ${i + 1}\n\n${SHORT_ANSWER}\n\n- one thing to note\n- and *another* one\n`).join('\n');

/** @param {string} question */
export function answerTo(question) {
  if (/reason/i.test(question)) return { reasoning: 'The person asks about colours. I should start with the light, then the drop, then the eye.', text: SHORT_ANSWER };
  if (/code|python|function/i.test(question)) return { reasoning: '', text: CODE_ANSWER };
  if (/long/i.test(question)) return { reasoning: '', text: LONG_ANSWER };
  return { reasoning: '', text: SHORT_ANSWER };
}
