"""A client made with slixmpp. It reads commands as lines of JSON from stdin, and prints received stanzas as such lines."""

import asyncio
import base64
import json
import ssl
import sys
from xml.etree import ElementTree

from slixmpp import JID, ClientXMPP
from slixmpp.exceptions import XMPPError

PLUGINS = (
    "xep_0004", "xep_0030", "xep_0045", "xep_0054", "xep_0055", "xep_0059", "xep_0066", "xep_0071", "xep_0092", "xep_0115", "xep_0199", "xep_0202", "xep_0203", "xep_0231", "xep_0264", "xep_0297", "xep_0308", "xep_0313", "xep_0359",
    "xep_0385", "xep_0410", "xep_0421", "xep_0424", "xep_0425", "xep_0428", "xep_0444", "xep_0446", "xep_0447", "xep_0449",
    "xep_0461", "xep_0513",
)
SFS = "urn:xmpp:sfs:0"
REPLY = "urn:xmpp:reply:0"
GEOLOC = "{http://jabber.org/protocol/geoloc}"


def tell(**what):
    print(json.dumps(what), flush=True)


def understood(message):
    """Returns the parts of a stanza that a client with these plugins shows."""
    has = lambda name, ns: message.xml.find("{%s}%s" % (ns, name)) is not None
    seen = {
        "from": str(message["from"]),
        "id": message["id"],
        "stanza_id": message["stanza_id"]["id"],
        "body": message["body"],
    }
    if has("replace", "urn:xmpp:message-correct:0"):
        seen["corrects"] = message["replace"]["id"]
    if has("retract", "urn:xmpp:message-retract:1"):
        seen["retracts"] = message["retract"]["id"]
    if has("reactions", "urn:xmpp:reactions:0"):
        seen["reacts"] = message["reactions"]["id"]
        seen["emoji"] = sorted(message["reactions"]["values"])
    if has("reply", REPLY):
        seen["answers"] = message["reply"]["id"]
        seen["answered"] = str(message["reply"]["to"])
        seen["quote"] = message["reply"].get_fallback_body()
        seen["body"] = message["reply"].strip_fallback_content()
    if has("file-sharing", SFS):
        file = message["sfs"]["file"]
        known = {name: file[name] for name in ("name", "media-type", "size", "width", "height", "length", "desc") if file[name]}
        thumbnails = file.xml.findall("{urn:xmpp:thumbs:1}thumbnail")
        seen["file"] = {
            **known,
            "url": message["sfs"]["sources"]["url-data"]["target"],
            "oob": message["oob"]["url"],
            "thumbnails": [dict(one.attrib) for one in thumbnails],
            "sticker": message["sticker"]["pack"] if has("sticker", "urn:xmpp:stickers:0") else None,
        }
    seen["marked"] = [one.get("for") for one in message.xml.iter("{urn:xmpp:fallback:0}fallback")]
    seen["mentions"] = [message["body"][one["begin"]:one["end"]] for one in message["mentions"]]
    if message["type"] == "error":
        seen["error"] = message["error"]["text"]
    if message["thread"]:
        seen["thread"] = message["thread"]
    if has("unstyled", "urn:xmpp:styling:0"):
        seen["unstyled"] = True
    if has("delay", "urn:xmpp:delay"):
        seen["delayed"] = message["delay"]["stamp"].timestamp()
    if has("x", "jabber:x:oob"):
        seen["url"] = message["oob"]["url"]
    if has("geoloc", GEOLOC[1:-1]):
        # The plugin reads geoloc in PEP only.
        place = message.xml.find(GEOLOC + "geoloc")
        seen["place"] = [place.findtext(GEOLOC + key) for key in ("lat", "lon")]
    return seen


class Client(ClientXMPP):
    def __init__(self, jid, password):
        super().__init__(jid, password)
        for plugin in PLUGINS:
            self.register_plugin(plugin)
        # Other tests verify the servers' certificates.
        self.ssl_context.check_hostname = False
        self.ssl_context.verify_mode = ssl.CERT_NONE
        self.add_event_handler("session_start", self.begin)
        self.add_event_handler("failed_all_auth", lambda _: tell(failed="auth"))
        for event in ("message", "message_error", "reactions", "message_retract"):
            self.add_event_handler(event, self.heard)
        self.told = set()

    def heard(self, message):
        # slixmpp can raise several events for one stanza.
        if id(message.xml) in self.told:
            return
        self.told.add(id(message.xml))
        self.kept = getattr(self, "kept", []) + [message.xml]
        tell(heard=understood(message))

    async def begin(self, _):
        self.send_presence()
        tell(ready=str(self.boundjid))
        # Without this reference the garbage collector would end the task.
        self.reading = asyncio.create_task(self.read())

    async def read(self):
        reader = asyncio.StreamReader()
        await asyncio.get_event_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            try:
                await self.do(**json.loads(line))
            except Exception as error:
                tell(failed=repr(error))

    async def shared(self, file, how):
        data = base64.b64decode(file["data"])
        desc = file.get("desc")
        if how == "sims":
            return self["xep_0385"].get_sims(uris=[file["url"]], media_type=file["type"], desc=desc, data=data)
        sfs = self["xep_0447"].get_sfs(uris=[file["url"]], media_type=file["type"], desc=desc, disposition="inline", data=data)
        sfs["file"]["name"] = file["name"]
        if "thumbnail" in file:
            cid = await self["xep_0231"].set_bob(base64.b64decode(file["thumbnail"]), "image/png")
            sfs["file"]["thumbnail"]["uri"] = "cid:" + cid
        return sfs

    async def ask(self, to, what, words=""):
        """Returns the answer to a query as the plugin for it reads it."""
        if what == "description":
            info = (await self["xep_0030"].get_info(jid=to, cached=False))["disco_info"]
            forms = info.xml.findall("{jabber:x:data}x")
            fields = [field for form in forms for field in form.findall("{jabber:x:data}field")]
            return {
                "identities": sorted([category, kind, name] for category, kind, _, name in info["identities"]),
                "features": sorted(info["features"]),
                "form": {field.get("var"): field.findtext("{jabber:x:data}value") for field in fields},
            }
        if what == "items":
            found = []
            async for page in self["xep_0059"].iterate(self.items_of(to), "disco_items", amount=2):
                found += [[str(jid), name] for jid, _, name in page["disco_items"]["items"]]
            return sorted(found)
        if what == "people":
            search = self["xep_0055"].make_search_iq(ito=to)
            search["search"]["form"].add_field("nick", value=words)
            form = (await search.send())["search"]["form"]
            return sorted([item["jid"], item["nick"]] for item in form["items"])
        if what == "vcard":
            card = (await self["xep_0054"].get_vcard(JID(to), local=False))["vcard_temp"]
            texts = {one.tag.split("}")[1]: one.text for one in card.xml if one.text}
            photo = card.xml.find("{vcard-temp}PHOTO/{vcard-temp}BINVAL")
            return {**texts, **({} if photo is None else {"PHOTO": photo.text})}
        if what == "software":
            answer = (await self["xep_0092"].get_version(JID(to)))["software_version"]
            return answer["name"]
        if what == "zone":
            return (await self["xep_0202"].get_entity_time(JID(to))).xml.findtext(".//{urn:xmpp:time}tzo")
        if what == "ping":
            await self["xep_0199"].send_ping(JID(to))
            return "pong"
        if what == "self-ping":
            return (await self["xep_0410"].send_self_ping(JID(to))).name
        if what == "capabilities":
            # The plugin keeps what fits the hash in the presence, and nothing else.
            known = await self["xep_0115"].get_caps(JID(to))
            return None if known is None else sorted(known["features"])
        raise ValueError(what)

    def items_of(self, to):
        query = self.make_iq_get(ito=to)
        query.enable("disco_items")
        return query

    async def do(self, do, to, **more):
        kind = "groupchat" if more.pop("room", False) else "chat"
        if do == "join":
            await self["xep_0045"].join_muc_wait(to, more["nick"], maxstanzas=0)
            tell(joined=to)
        elif do == "ask":
            try:
                tell(asked=json.dumps(await self.ask(to, **more)))
            except XMPPError as error:
                tell(asked=json.dumps({"refused": error.condition}))
        elif do == "say":
            message = self.make_message(mto=to, mbody=more["body"], mtype=kind)
            # No plugin writes these elements.
            for part in more.get("parts", []):
                message.append(ElementTree.fromstring(part))
            if "thread" in more:
                message["thread"] = more["thread"]
            message.send()
            tell(said=message["id"])
        elif do == "correct":
            self["xep_0308"].build_correction(more["id"], to, mtype=kind, mbody=more["body"]).send()
        elif do == "retract":
            self["xep_0424"].send_retraction(to, more["id"], kind)
        elif do == "react":
            message = self.make_message(mto=to, mtype=kind)
            self["xep_0444"].set_reactions(message, more["id"], more["emoji"])
            message.enable("store")
            message.send()
        elif do == "reply":
            self["xep_0461"].send_reply(
                more["author"], more["id"], more["quote"], more["nick"], mto=to, mbody=more["body"], mtype=kind
            )
        elif do == "share":
            message = self.make_message(mto=to, mbody=more["body"], mtype=kind)
            for file in more["files"]:
                message.append(await self.shared(file, more["how"]))
            message.send()
            tell(said=message["id"])
        elif do == "show":
            # No server has this image (XEP-0231): the bridge must request it from this client.
            cid = await self["xep_0231"].set_bob(base64.b64decode(more["data"]), more["type"])
            message = self.make_message(mto=to, mbody=more["body"], mtype=kind)
            message["html"]["body"] = '<p><img src="cid:%s" alt="%s"/></p>' % (cid, more["body"])
            message.send()
            tell(said=message["id"])
        elif do == "role":
            await self["xep_0045"].set_role(to, more["nick"], more["role"])
            tell(moderated=more["nick"])
        elif do == "archive":
            lines = []
            async for message in self["xep_0313"].iterate(JID(to), reverse=more["reverse"], rsm={"max": more["max"]}):
                result = message["mam_result"]
                lines.append({**understood(result["forwarded"]["stanza"]), "archived": result["id"]})
            # The plugin turns each page that it reads backwards around.
            tell(archived=lines[::-1] if more["reverse"] else lines)
        elif do == "moderate":
            await self["xep_0425"].moderate(JID(to), more["id"], more["reason"])
            tell(moderated=more["id"])


async def main():
    jid, password, port = sys.argv[1:]
    client = Client(jid, password)
    client.connect("127.0.0.1", int(port))
    await client.disconnected


asyncio.run(main())
