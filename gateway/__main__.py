"""The command line: `trubka` (and `python -m gateway`).

Words are read here and nothing is decided: what a command does stands in `commands.py`, the long-running ones in
`main.py`. Secrets are never arguments, where every user of the machine could read them: they come from standard input.
"""

import argparse
import asyncio
import getpass
import os
import sys
from collections.abc import Callable, Coroutine, Sequence

from sqlalchemy.exc import SQLAlchemyError

from gateway import commands
from gateway.settings import Settings, SettingsError, settings_table
from gateway.store.accounts import Account
from gateway.store.database import StoreUnusable, database_url, migrate
from gateway.store.people import Extension, User
from gateway.store.secrets import SecretUnreadable

Run = Callable[[Settings, argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code: 0 done, 1 refused, 2 used wrongly."""
    given = _parser().parse_args(arguments)
    run: Run = given.run
    try:
        return run(Settings.from_environment(os.environ), given)
    except (SettingsError, SecretUnreadable, StoreUnusable, commands.CommandRefused) as refusal:
        print(f"trubka: {refusal}", file=sys.stderr)
    except SQLAlchemyError as failure:
        print(f"trubka: the database refused: {failure.args[0]}", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="trubka", description="The telephone of your amoCRM.")
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")

    def verb(
        parent: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, run: Run, what: str
    ) -> argparse.ArgumentParser:
        made = parent.add_parser(name, help=what, description=what)
        made.set_defaults(run=run)
        return made

    verb(verbs, "serve", _serve, "carry calls, sockets and pages (the web process)")
    verb(verbs, "worker", _worker, "do what can wait (the worker process)")
    verb(verbs, "release", _release, "bring the database to this version")
    verb(verbs, "settings", _settings, "print every setting as a table")

    shown = verb(verbs, "ladder", _ladder, "draw what was said in one of the last calls, or list them")
    shown.add_argument(
        "call", nargs="?", help="the call's id, a Call-ID, or `last`; without it the last calls are listed"
    )
    shown.add_argument("--text", action="store_true", help="draw it with letters, not as SVG")
    shown.add_argument("--full", action="store_true", help="with the whole messages below")
    shown.add_argument(
        "--out", default="", metavar="FILE", help="write there; at a terminal, SVG goes to a file anyway"
    )

    def group(name: str, what: str) -> "argparse._SubParsersAction[argparse.ArgumentParser]":
        return verbs.add_parser(name, help=what, description=what).add_subparsers(
            required=True, metavar="VERB"
        )

    account = group("account", "amoCRM accounts")
    add = verb(
        account,
        "add",
        _account_add,
        "add or change an account; its client secret is read from standard input",
    )
    add.add_argument("--id", type=int, required=True, help="amoCRM's number of the account")
    add.add_argument("--address", required=True, help="as https://example.amocrm.ru")
    add.add_argument("--name", default="", help="how it is called in lists")
    add.add_argument("--client-uuid", required=True, help="the integration's id")
    add.add_argument("--pbx", required=True, metavar="HOST[:PORT]", help="where the PBX takes SIP")
    add.add_argument(
        "--transport",
        choices=commands.TRANSPORTS,
        default="udp",
        help="how its lines speak SIP to the PBX; auto: UDP, and TCP for what is long",
    )
    add.add_argument("--country", default="RU", help="how numbers without a country code are read")
    verb(account, "list", _show(commands.list_accounts), "list the accounts")
    remove = verb(account, "remove", _account_remove, "forget an account with its users and extensions")
    remove.add_argument("--id", type=int, required=True)

    user = group("user", "amoCRM users who use the telephone")
    add = verb(user, "add", _user_add, "add or change a user")
    add.add_argument("--account", type=int, required=True)
    add.add_argument("--id", type=int, required=True, help="amoCRM's number of the user")
    add.add_argument("--name", required=True)
    add.add_argument("--role", choices=("agent", "supervisor", "administrator"), default="agent")
    verb(user, "list", _show(commands.list_users), "list the users").add_argument(
        "--account", type=int, required=True
    )
    remove = verb(user, "remove", _user_remove, "forget a user")
    remove.add_argument("--account", type=int, required=True)
    remove.add_argument("--id", type=int, required=True)

    extension = group("extension", "extensions of the PBX")
    add = verb(
        extension,
        "add",
        _extension_add,
        "add or change an extension; its password is read from standard input",
    )
    add.add_argument("--account", type=int, required=True)
    add.add_argument("--number", required=True, help="what colleagues dial, as 101")
    add.add_argument("--user", type=int, default=None, help="the amoCRM user it belongs to")
    add.add_argument("--label", default="", help="how it is called on the screen")
    add.add_argument(
        "--sip-user", default="", help="what the PBX knows its browser side as, where not the number"
    )
    add.add_argument(
        "--transport", choices=commands.TRANSPORTS, default="", help="where not as the account says"
    )
    add.add_argument(
        "--replaces-to", default="", help="number that takes a call into a fresh page, where not its own"
    )
    add.add_argument(
        "--observer", action="store_true", help="watch the phone on the desk only; no sound in the browser"
    )
    verb(extension, "list", _show(commands.list_extensions), "list the extensions").add_argument(
        "--account", type=int, required=True
    )
    remove = verb(extension, "remove", _extension_remove, "forget an extension")
    remove.add_argument("--account", type=int, required=True)
    remove.add_argument("--number", required=True)
    return parser


def secret_from_stdin(prompt: str) -> str:
    """One line from standard input, or asked for where a person sits at it.

    Raises:
        CommandRefused: nothing was given.
    """
    secret = getpass.getpass(prompt) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    if not secret:
        raise commands.CommandRefused(f"{prompt.strip(': ')} is read from standard input, and nothing came.")
    return secret


def _serve(settings: Settings, _given: argparse.Namespace) -> int:
    from gateway.main import serve  # the whole service: not loaded to list an account

    return serve(settings)


def _worker(settings: Settings, _given: argparse.Namespace) -> int:
    return asyncio.run(commands.work(settings))


def _release(settings: Settings, _given: argparse.Namespace) -> int:
    migrate(database_url(settings.database_url))
    return 0


def _ladder(settings: Settings, given: argparse.Namespace) -> int:
    from gateway.ladder import command  # and its HTTP, not to be loaded with every other command

    drawn = command.ladder(settings, given.call, as_text=given.text, full=given.full)
    out = given.out
    if not out and given.call and not given.text and sys.stdout.isatty():
        out = drawn.file_name
    if out:
        with open(out, "w", encoding="utf-8") as file:
            file.write(drawn.content)
        print(out)
    else:
        sys.stdout.write(drawn.content)
    return 0


def _settings(_settings: Settings, _given: argparse.Namespace) -> int:
    print(settings_table())
    return 0


def _account_add(settings: Settings, given: argparse.Namespace) -> int:
    host, port = commands.host_and_port(given.pbx, given.transport)
    account = Account(
        id=given.id,
        address=commands.account_address(given.address),
        name=given.name or given.address,
        client_uuid=given.client_uuid,
        client_secret=secret_from_stdin("Client secret: "),
        pbx_host=host,
        pbx_port=port,
        transport=given.transport,
        country=given.country.upper(),
    )
    return _do(commands.put_account(settings, account))


def _account_remove(settings: Settings, given: argparse.Namespace) -> int:
    return _do(commands.remove_account(settings, given.id))


def _user_add(settings: Settings, given: argparse.Namespace) -> int:
    return _do(commands.put_user(settings, User(given.account, given.id, given.name, given.role)))


def _user_remove(settings: Settings, given: argparse.Namespace) -> int:
    return _do(commands.remove_user(settings, given.account, given.id))


def _extension_add(settings: Settings, given: argparse.Namespace) -> int:
    extension = Extension(
        account_id=given.account,
        number=commands.extension_number(given.number),
        sip_password=secret_from_stdin("SIP password: "),
        user_id=given.user,
        label=given.label,
        softphone=not given.observer,
        sip_user=given.sip_user,
        transport=given.transport,
        replaces_to=given.replaces_to,
    )
    return _do(commands.put_extension(settings, extension))


def _extension_remove(settings: Settings, given: argparse.Namespace) -> int:
    return _do(commands.remove_extension(settings, given.account, given.number))


def _do(work: Coroutine[None, None, None]) -> int:
    asyncio.run(work)
    return 0


def _show(lines_of: Callable[[Settings, int], Coroutine[None, None, list[str]]]) -> Run:
    def run(settings: Settings, given: argparse.Namespace) -> int:
        for line in asyncio.run(lines_of(settings, getattr(given, "account", 0))):
            print(line)
        return 0

    return run


if __name__ == "__main__":
    sys.exit(main())
