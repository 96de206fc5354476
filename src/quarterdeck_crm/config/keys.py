"""The keys of the CRM, besides those of the rooms that it uses."""

from __future__ import annotations

from quarterdeck.config import ConfigKey, boolean, integer, text, text_list
from quarterdeck.security.limits import rate

MAX_DAYS = 36_500  # a hundred years

CONFIG = (
    ConfigKey(
        "CURRENCY",
        "EUR",
        text,
        "The currency of new orders and goods.",
    ),
    ConfigKey(
        "LANGUAGES",
        ("en", "de", "zh_Hans"),
        text_list,
        "The languages of the pages, of `en`, `de` and `zh_Hans`. Users choose one in "
        "their profile; otherwise their browser does. `BABEL_DEFAULT_LOCALE` is for browsers "
        "that prefer none.",
    ),
    ConfigKey(
        "ADMIN",
        None,
        text,
        "E-mail address that becomes an administrator on registering, even if registration is "
        "closed, as long as there is no administrator.",
    ),
    ConfigKey(
        "BULK_MAX",
        1000,
        integer(1, 10_000),
        "How many records of a list can be changed at once.",
    ),
    ConfigKey(
        "ATTACHMENT_FOLDER",
        None,
        text,
        "Folder of uploaded files. None is `attachments` in the instance folder. Several "
        "hosts need a folder that they share.",
    ),
    ConfigKey(
        "ATTACHMENT_MAX_BYTES",
        10 * 1024 * 1024,
        integer(1),
        "The largest file that can be attached. `MAX_CONTENT_LENGTH` must be larger.",
        unit="bytes",
    ),
    ConfigKey(
        "ATTACHMENT_MAX_BYTES_PER_USER",
        5 * 1000**3,
        integer(0),
        "How much room all files take up that one user attached. 0 is unlimited.",
        unit="bytes",
    ),
    ConfigKey(
        "ATTACHMENT_MAX_BYTES_PER_ACCOUNT",
        2 * 1000**3,
        integer(0),
        "How much room all files of an account, its deals and its orders take up. 0 is unlimited.",
        unit="bytes",
    ),
    ConfigKey(
        "IMPORT_FOLDER",
        None,
        text,
        "Folder of files that wait for their import. None is `imports` in the instance "
        "folder. Several hosts need a folder that they share.",
    ),
    ConfigKey(
        "IMPORT_MAX_BYTES",
        15 * 1024 * 1024,
        integer(1),
        "The largest file that can be imported on a page. `MAX_CONTENT_LENGTH` must be "
        "larger. `crm import` takes files of any size.",
        unit="bytes",
    ),
    ConfigKey(
        "ORDER_WAITING_DAYS",
        14,
        integer(1, MAX_DAYS),
        "A confirmed order that nobody has changed for this long is noted as waiting, in its "
        "history and to its readers.",
        unit="days",
    ),
    ConfigKey(
        "HISTORY_DAYS",
        0,
        integer(0, MAX_DAYS),
        "How long the history of accounts, goods and orders is kept. 0 is for ever.",
        unit="days",
    ),
    ConfigKey(
        "NOTIFICATION_DAYS",
        90,
        integer(0, MAX_DAYS),
        "How long a notification is kept after it was read. 0 keeps all.",
        unit="days",
    ),
    ConfigKey(
        "METRICS_TOKEN",
        None,
        text,
        "The token that opens `/metrics`, sent as `Authorization: Bearer TOKEN`. In development "
        "requests from the same machine need none.",
        secret=True,
    ),
    ConfigKey(
        "MAIL_ENABLED",
        None,
        boolean,
        "Whether the CRM sends mail. None is true if `MAIL_SERVER` or `MAIL_BACKEND` is set. It "
        "then needs `MAIL_DEFAULT_SENDER` and `PUBLIC_URL`.",
    ),
    ConfigKey(
        "PUBLIC_URL",
        None,
        text,
        "The address of this CRM for links in mail, such as `https://crm.example.com`. In "
        "development, links in mail begin with `http://127.0.0.1:8000` if it is not set.",
    ),
    ConfigKey(
        "TRACES_EXPORTER",
        None,
        text,
        "Where traces go: `otlp` to a collector of OpenTelemetry, at the address that "
        "`OTEL_EXPORTER_OTLP_ENDPOINT` of the environment names. None makes no traces. Needs "
        "`quarterdeck[otel]`.",
        choices=("otlp",),
    ),
    ConfigKey(
        "REGISTRATION_OPEN",
        False,
        boolean,
        "Whether visitors may register. They get the role User.",
    ),
    ConfigKey(
        "AUDIT_DAYS",
        365,
        integer(0, MAX_DAYS),
        "How long events of the audit log are kept, by a job each night and by `crm audit prune`. "
        "0 keeps all.",
        unit="days",
    ),
    ConfigKey(
        "LIMIT_SIGN_IN_ACCOUNT",
        "60/hour",
        rate,
        "Attempts to sign in to one account, from devices that have not signed in to it before.",
    ),
    ConfigKey(
        "LIMIT_SIGN_IN_ADDRESS",
        "300/hour",
        rate,
        "The same from one address, which an office may share.",
    ),
    ConfigKey(
        "LIMIT_REGISTRATION",
        "20/hour",
        rate,
        "Registrations from one address, also those that are refused.",
    ),
    ConfigKey(
        "LIMIT_PASSWORD_RESET",
        "30/hour",
        rate,
        "Uses of links that set a password, from one address.",
    ),
    ConfigKey(
        "LIMIT_RESET_MAIL",
        "5/hour",
        rate,
        "Mails with such a link to one address, from whatever addresses they are requested.",
    ),
    ConfigKey(
        "LIMIT_PASSWORD_CHANGE",
        "20/hour",
        rate,
        "Attempts of one user to change the password, which check the present one.",
    ),
    ConfigKey(
        "LIMIT_TOKENS",
        "30/hour",
        rate,
        "API tokens that one user makes.",
    ),
    ConfigKey(
        "LIMIT_INVALID_TOKENS",
        "60/hour",
        rate,
        "Requests with an invalid API token from one address.",
    ),
    ConfigKey(
        "LIMIT_API",
        "600/minute",
        rate,
        "API requests of one user, of all tokens and browsers together.",
    ),
    ConfigKey(
        "LIMIT_WEBSOCKETS",
        "60/minute",
        rate,
        "WebSocket handshakes of one user.",
    ),
    ConfigKey(
        "LIMIT_SAY",
        "60/minute",
        rate,
        "`say` messages of one user, over all WebSockets.",
    ),
    ConfigKey(
        "LIMIT_IMPORTS",
        "60/hour",
        rate,
        "Files that one user uploads for an import.",
    ),
    ConfigKey(
        "LIMIT_EXPORTS",
        "120/hour",
        rate,
        "Exports of one user.",
    ),
    ConfigKey(
        "LIMIT_CALENDAR",
        "600/hour",
        rate,
        "Requests for calendars of tasks from one address, which an office may share.",
    ),
    ConfigKey(
        "INSECURE_HTTP",
        False,
        boolean,
        "Lets production serve plain http: cookies lose `Secure` and the `__Host-` prefix.",
    ),
)
