"""The configuration of the tests' Asterisk: a small office, written as text. Knows nothing of processes or folders' owners.

The office: each extension (`101`) has a desk endpoint (`101`), a browser endpoint (`101b`, webrtc=yes) and one for a gateway
that sends plain RTP (`101p`); a call to `101` rings every contact of the three. Numbers of seven and more digits go to the
customers' phone. Passwords are `secret-<endpoint>`.

Each extension has a mailbox, which counts the messages that lie in its folder of the spool (`voicemail(extension)`).

    600 echo · 601 a tone of 700 Hz · 602 busy · 603 rings and never answers · 604 early media of 620 Hz, then silence
    +<number>, <number>  the customers' phone · 74950000<extension>  what a customer dials · any other  404
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.peers.ports import HOST

MUSIC_HZ = 440
TONE_HZ = 700
EARLY_HZ = 620
SUFFIXES = ("", "b", "p")

_MODULES = """
app_dial app_echo app_playback app_senddtmf app_stack app_verbose app_voicemail bridge_builtin_features bridge_holding bridge_native_rtp
bridge_simple bridge_softmix chan_pjsip codec_a_mu codec_alaw codec_ulaw codec_resample format_pcm format_sln format_wav
func_callerid func_channel func_hangupcause func_logic func_pjsip_aor func_pjsip_contact func_pjsip_endpoint func_strings
pbx_config res_crypto res_format_attr_celt res_musiconhold res_pjproject res_pjsip res_pjsip_authenticator_digest
res_pjsip_caller_id res_pjsip_dialog_info_body_generator res_pjsip_dlg_options res_pjsip_dtmf_info res_pjsip_empty_info
res_pjsip_endpoint_identifier_ip res_pjsip_endpoint_identifier_user res_pjsip_exten_state res_pjsip_header_funcs
res_pjsip_logger res_pjsip_mwi res_pjsip_mwi_body_generator res_pjsip_nat res_pjsip_notify res_pjsip_outbound_authenticator_digest res_pjsip_outbound_publish res_pjsip_pubsub res_pjsip_refer
res_pjsip_registrar res_pjsip_rfc3326 res_pjsip_sdp_rtp res_pjsip_session res_rtp_asterisk res_sorcery_astdb
res_sorcery_config res_sorcery_memory res_srtp res_timing_timerfd
"""


@dataclass(frozen=True)
class Office:
    """What differs between two plays. `inside` is the folder as Asterisk sees it (below its root)."""

    inside: Path
    sip_port: int
    manager_port: int
    rtp_ports: range
    customers_port: int
    extensions: tuple[str, ...] = ("101", "102", "103")
    algorithms: str = "MD5"
    rewrite_contact: bool = False
    longest_registration: int = 7200
    tls_port: int = 0
    moved_numbers: tuple[str, ...] = ()

    def files(self) -> dict[str, str]:
        """File name → text of the configuration folder."""
        return {
            "asterisk.conf": self._asterisk(),
            "modules.conf": _modules(),
            "logger.conf": "[general]\n[logfiles]\nplay => notice,warning,error,verbose\n",
            "manager.conf": self._manager(),
            "rtp.conf": f"[general]\nrtpstart={self.rtp_ports[0]}\nrtpend={self.rtp_ports[-1]}\nicesupport=yes\n",
            "musiconhold.conf": f"[default]\nmode=files\ndirectory={self.inside}/music\n",
            "pjsip.conf": self._pjsip(),
            "extensions.conf": self._extensions(),
            "features.conf": "[general]\n",
            "indications.conf": "[general]\ncountry=us\n[us]\ndescription=tones\nringcadence=2000,4000\ndial=350+440\nbusy=480+620/500,0/500\n"
            "ring=440+480/2000,0/4000\ncongestion=480+620/250,0/250\n",
            "pjproject.conf": "[startup]\nlog_mappings=default\n",
            "cdr.conf": "[general]\nenable=no\n",
            "pjsip_notify.conf": "[hold]\nEvent=>hold\n[talk]\nEvent=>talk\n",
            **dict.fromkeys(("ccss.conf", "cel.conf", "udptl.conf"), "[general]\n"),
            "acl.conf": "",
            "voicemail.conf": self._voicemail(),
        }

    @staticmethod
    def voicemail(extension: str) -> str:
        """The folder of what was not heard, below the office's: a message is a `msg0000.txt` in it."""
        return f"spool/voicemail/office/{extension}/INBOX"

    def sounds(self) -> dict[str, bytes]:
        """File name → 8 kHz signed linear, below the office's folder: tones that are known by their frequency."""
        return {
            "music/hold.sln": tone(MUSIC_HZ, seconds=10),
            "sounds/tone.sln": tone(TONE_HZ, seconds=60),
            "sounds/early.sln": tone(EARLY_HZ, seconds=60),
        }

    def _asterisk(self) -> str:
        places = {
            "astetcdir": "etc",
            "astrundir": "run",
            "astspooldir": "spool",
            "astlogdir": "log",
            "astdbdir": "db",
            "astkeydir": "db",
        }
        directories = "".join(f"{name} => {self.inside}/{folder}\n" for name, folder in places.items())
        return f"[directories]\n{directories}[options]\nverbose = 3\nnocolor = yes\nhideconnect = yes\n"

    def _voicemail(self) -> str:
        boxes = "".join(f"{one} => 0000,Desk {one}\n" for one in self.extensions)
        return f"[general]\nformat=wav\npollmailboxes=yes\npollfreq=1\n[office]\n{boxes}"

    def _manager(self) -> str:
        return (
            f"[general]\nenabled=yes\nwebenabled=no\nport={self.manager_port}\nbindaddr={HOST}\ndisplayconnects=no\n"
            "[trubka]\nsecret=trubka\nread=all\nwrite=all\nwritetimeout=5000\n"
        )

    def _pjsip(self) -> str:
        transports = "".join(
            f"[{kind}]\ntype=transport\nprotocol={kind}\nbind={HOST}:{self.sip_port}\n"
            for kind in ("udp", "tcp")
        )
        if self.tls_port:
            keys = self.inside / "db" / "keys"
            transports += (
                f"[tls]\ntype=transport\nprotocol=tls\nbind={HOST}:{self.tls_port}\nmethod=tlsv1_2\n"
                f"cert_file={keys}/pbx.crt\npriv_key_file={keys}/pbx.key\nca_list_file={keys}/ca.crt\nverify_server=yes\n"
            )
        desks = "".join(
            self._endpoint(extension, suffix) for extension in self.extensions for suffix in SUFFIXES
        )
        customers = (
            "[customers]\ntype=endpoint\ncontext=customers\ndisallow=all\nallow=alaw,ulaw\naors=customers\n"
            "direct_media=no\nrtp_symmetric=yes\nforce_rport=yes\nsend_pai=no\nallow_overlap=no\ntrust_id_inbound=yes\n"
            f"[customers]\ntype=aor\ncontact=sip:{HOST}:{self.customers_port}\n"
            f"[customers]\ntype=identify\nendpoint=customers\nmatch={HOST}\n"
        )
        whole = "[global]\ntype=global\nendpoint_identifier_order=username,ip\ndebug=yes\n"
        return whole + transports + desks + customers

    def _endpoint(self, extension: str, suffix: str) -> str:
        name = extension + suffix
        browser = "webrtc=yes\n" if suffix == "b" else ""
        rewrite = "rewrite_contact=yes\n" if self.rewrite_contact else ""
        return (
            f"[{name}]\ntype=endpoint\ncontext=office\ndisallow=all\nallow=alaw,ulaw\nauth={name}\naors={name}\n"
            f'callerid="Desk {extension}" <{extension}>\ndirect_media=no\nrtp_symmetric=yes\nforce_rport=yes\n'
            f"media_address={HOST}\nsend_pai=yes\nallow_subscribe=yes\nallow_overlap=no\n{browser}{rewrite}"
            f"[{name}]\ntype=auth\nauth_type=digest\nusername={name}\npassword=secret-{name}\n"
            f"supported_algorithms_uas={self.algorithms}\n"
            f"[{name}]\ntype=aor\nmailboxes={extension}@office\nmax_contacts=5\nremove_existing=no\nminimum_expiration=10\n"
            f"maximum_expiration={self.longest_registration}\n"
        )

    def _extensions(self) -> str:
        desks = "".join(_desk(extension) for extension in self.extensions)
        called = "".join(f"exten => 74950000{one},1,Goto(office,{one},1)\n" for one in self.extensions)
        return f"{_GENERAL}{desks}{_SERVICES.format(sounds=self.inside / 'sounds')}[customers]\n{called}"


_GENERAL = "[general]\nstatic=yes\nwriteprotect=yes\n[globals]\n[office]\n"

_SERVICES = """
exten => 600,1,Answer()
 same => n,Echo()
exten => 601,1,Answer()
 same => n,Playback({sounds}/tone)
exten => 602,1,Hangup(17)
exten => 603,1,Ringing()
 same => n,Wait(120)
exten => 604,1,Progress()
 same => n,Playback({sounds}/early,noanswer)
 same => n,Wait(120)
exten => _XXXXXXX.,1,Dial(PJSIP/${{EXTEN}}@customers,120)
 same => n,Hangup(${{HANGUPCAUSE}})
exten => _+XXXXXXX.,1,Dial(PJSIP/${{EXTEN}}@customers,120)
 same => n,Hangup(${{HANGUPCAUSE}})
"""


def tone(frequency: float, *, seconds: float, rate: int = 8000, level: float = 0.3) -> bytes:
    """Signed linear 16 bit samples of a sine; a whole number of periods when frequency · seconds is whole."""
    times = np.arange(int(rate * seconds)) / rate
    samples: bytes = (np.sin(2 * np.pi * frequency * times) * level * 32767).astype("<i2").tobytes()
    return samples


def _desk(extension: str) -> str:
    """An extension's number: every contact of its endpoints rings; 480 when none is registered (Q.850 cause 20)."""
    contacts = "&".join(f"${{PJSIP_DIAL_CONTACTS({extension}{suffix})}}" for suffix in SUFFIXES)
    return (
        f"exten => {extension},1,Set(contacts={contacts})\n"
        f' same => n,GotoIf($["${{contacts}}" = "{"&" * (len(SUFFIXES) - 1)}"]?absent)\n'
        " same => n,Dial(${contacts},120)\n"
        " same => n,Hangup(${HANGUPCAUSE})\n"
        " same => n(absent),Hangup(20)\n"
        f"exten => {extension},hint,PJSIP/{extension}&PJSIP/{extension}b&PJSIP/{extension}p\n"
    )


def _modules() -> str:
    return "[modules]\nautoload=no\n" + "".join(f"load={name}.so\n" for name in _MODULES.split())
