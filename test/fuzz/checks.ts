import { Parser } from "htmlparser2";
import { SaxesParser } from "saxes";

/** Checks of everything that the bridge sends. Each check throws an Error that names the fault. */

const fault = (why: string): never => {
	throw new Error(why);
};

/** Fails unless the text is one well-formed XML element of legal characters, by a strict parser. */
export function validXml(text: string): void {
	const parser = new SaxesParser({ xmlns: false });
	parser.on("error", (error) => fault(`invalid XML: ${error.message}`));
	parser.write(text).close();
	if (!text.isWellFormed()) fault("invalid XML: a lone surrogate");
}

const allowed: Readonly<Record<string, readonly string[]>> = Object.assign(Object.create(null), {
	...{ strong: [], em: [], del: [], u: [], p: [], blockquote: [], li: [], ul: [], br: [], pre: [] },
	...{ h1: [], h2: [], h3: [], h4: [], h5: [], h6: [] },
	...{ a: ["href"], ol: ["start"], code: ["class"], span: ["data-mx-spoiler"] },
});

/** Fails unless the HTML has only tags, attributes and link schemes of the allow-list, and every tag ends. */
export function sanitisedHtml(html: string): void {
	if (!html.isWellFormed()) fault("HTML with a lone surrogate");
	let depth = 0;
	const parser = new Parser({
		onopentag(name, attributes) {
			const known = allowed[name] ?? fault(`HTML with <${name}>`);
			for (const key of Object.keys(attributes)) if (!known.includes(key)) fault(`HTML with ${name}[${key}]`);
			const { href } = attributes;
			if (href !== undefined && !/^(https?|mailto|xmpp|geo|matrix):/i.test(href))
				fault("HTML with a hostile link");
			if (++depth > 100) fault("HTML nested deeper than the specification allows");
		},
		onclosetag(_name, implied) {
			depth--;
			if (implied && _name !== "br") fault(`HTML whose <${_name}> does not end`);
		},
		oncomment: () => fault("HTML with a comment"),
		onprocessinginstruction: () => fault("HTML with a processing instruction"),
		oncdatastart: () => fault("HTML with CDATA"),
	});
	parser.end(html);
}

/** Fails where the words show an MXID of `mxids`; people with these MXIDs have names. */
export function noRawMxid(words: string, mxids: Iterable<string>): void {
	for (const mxid of mxids) if (words.includes(mxid)) fault(`the words show the MXID ${mxid}`);
}

/** Fails where `condition` does not hold. */
export function holds(condition: boolean, why: string): void {
	if (!condition) fault(why);
}
