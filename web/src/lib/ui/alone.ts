/** Whether the page is a file that stands without a relay: then nothing in it leads to one. Set before it is mounted. */
export const alone = { is: false };
