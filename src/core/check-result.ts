/** What `check` learnt about one thing: that it works, or why not and what helps. */
export type CheckResult = Readonly<{ ok: boolean; what: string; detail?: string }>;

export const works = (what: string, detail?: string): CheckResult => ({
	ok: true,
	what,
	...(detail !== undefined && { detail }),
});
export const fails = (what: string, detail: string): CheckResult => ({ ok: false, what, detail });
