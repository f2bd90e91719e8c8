/** What `check` learnt about one thing: that it works, or why not and what helps. */
export type Finding = Readonly<{ ok: boolean; what: string; detail?: string }>;

export const works = (what: string, detail?: string): Finding => ({
	ok: true,
	what,
	...(detail !== undefined && { detail }),
});
export const fails = (what: string, detail: string): Finding => ({ ok: false, what, detail });
