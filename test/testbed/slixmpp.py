"""A client made with slixmpp: it does what lines of JSON on stdin say, and tells what its plugins understood as such lines."""

import asyncio
import json
import ssl
import sys

from slixmpp import JID, ClientXMPP

PLUGINS = (
    "xep_0030", "xep_0045", "xep_0308", "xep_0359", "xep_0421", "xep_0424", "xep_0425", "xep_0428", "xep_0444",
    "xep_0461", "xep_0513",
)
REPLY = "urn:xmpp:reply:0"


def tell(**what):
    print(json.dumps(what), flush=True)


def understood(message):
    """What a client with these plugins shows."""
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
    seen["mentions"] = [message["body"][one["begin"]:one["end"]] for one in message["mentions"]]
    return seen


class Client(ClientXMPP):
    def __init__(self, jid, password):
        super().__init__(jid, password)
        for plugin in PLUGINS:
            self.register_plugin(plugin)
        # Who vouches for the testbed's servers is tested elsewhere.
        self.ssl_context.check_hostname = False
        self.ssl_context.verify_mode = ssl.CERT_NONE
        self.add_event_handler("session_start", self.begin)
        self.add_event_handler("failed_all_auth", lambda _: tell(failed="auth"))
        for event in ("message", "reactions", "message_retract"):
            self.add_event_handler(event, self.heard)
        self.told = set()

    def heard(self, message):
        # One stanza can be several events.
        if id(message.xml) in self.told:
            return
        self.told.add(id(message.xml))
        self.kept = getattr(self, "kept", []) + [message.xml]
        tell(heard=understood(message))

    async def begin(self, _):
        self.send_presence()
        tell(ready=str(self.boundjid))
        reader = asyncio.StreamReader()
        await asyncio.get_event_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            await self.do(**json.loads(line))

    async def do(self, do, to, **more):
        kind = "groupchat" if more.pop("room", False) else "chat"
        if do == "join":
            await self["xep_0045"].join_muc_wait(to, more["nick"], maxstanzas=0)
            tell(joined=to)
        elif do == "say":
            message = self.make_message(mto=to, mbody=more["body"], mtype=kind)
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
        elif do == "moderate":
            await self["xep_0425"].moderate(JID(to), more["id"], more["reason"])
            tell(moderated=more["id"])


async def main():
    jid, password, port = sys.argv[1:]
    client = Client(jid, password)
    client.connect("127.0.0.1", int(port))
    await client.disconnected


asyncio.run(main())
