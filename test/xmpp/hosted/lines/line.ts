/** An element of any client's library. */
type Element = Readonly<{
	name: string;
	attrs: Readonly<Record<string, string>>;
	getChild(name: string, ns?: string): Element | undefined;
	getChildren(name: string): readonly Element[];
	getChildElements(): readonly Element[];
	getText(): string;
}>;

const text = (element: Element, name: string) => element.getChild(name)?.getText();

/** Returns a stanza in one line: its kind, its sender's nick, and what a person would see of it. */
export function line(one: Element): string {
	const { from = "", type } = one.attrs;
	const nick = from.includes("/") ? from.slice(from.indexOf("/") + 1) : "";
	const x = one.getChild("x", "http://jabber.org/protocol/muc#user");
	const item = x?.getChild("item");
	const error = one.getChild("error");
	const destroy = x?.getChild("destroy");
	const parts = [
		one.name,
		type === "groupchat" ? undefined : type,
		nick,
		item && `${item.attrs.affiliation}/${item.attrs.role}`,
		item?.attrs.nick && `→${item.attrs.nick}`,
		item?.getChild("actor") && `by ${item.getChild("actor")?.attrs.nick}`,
		item && text(item, "reason") && `(${text(item, "reason")})`,
		destroy && `destroyed ${destroy.attrs.jid ?? ""}`.trim(),
		text(one, "show"),
		one.getChild("subject") && `subject ${text(one, "subject")}`,
		text(one, "body"),
		error && `${error.attrs.type}/${error.getChildElements()[0]?.name}`,
		...(x?.getChildren("status").map(({ attrs }) => attrs.code) ?? []).sort(),
	];
	return parts.filter(Boolean).join(" ");
}
