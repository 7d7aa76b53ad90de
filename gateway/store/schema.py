"""The tables, as SQLAlchemy sees them. Migrations are the history of this file; a test holds the two together.

Times are seconds since the epoch (float), as everywhere in the gateway. Columns that end in `_sealed` hold what
`secrets.Vault` encrypted, and are never shown or logged.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# One amoCRM account, the tenant, with the integration's keys and the address of its PBX.
accounts = Table(
    "accounts",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),  # amoCRM's own number of the account
    Column("address", String(255), nullable=False, unique=True),  # https://example.amocrm.ru
    Column("name", String(255), nullable=False),
    Column("country", String(2), nullable=False),  # how numbers without a country code are read
    Column("client_uuid", String(64), nullable=False),
    Column("client_secret_sealed", LargeBinary, nullable=False),
    Column("pbx_host", String(255), nullable=False),
    Column("pbx_port", Integer, nullable=False),
    Column("transport", String(8), nullable=False),
)

# An amoCRM user who may use the telephone.
users = Table(
    "users",
    metadata,
    Column("account_id", BigInteger, primary_key=True),
    Column("id", BigInteger, primary_key=True, autoincrement=False),  # amoCRM's own number of the user
    Column("name", String(255), nullable=False),
    Column("role", String(16), nullable=False),
    ForeignKeyConstraint(["account_id"], ["accounts.id"], ondelete="CASCADE"),
)

# A PBX line and how we sign in to it. Several may belong to one user.
extensions = Table(
    "extensions",
    metadata,
    Column("account_id", BigInteger, primary_key=True),
    Column("number", String(32), primary_key=True),
    Column("user_id", BigInteger, nullable=True),
    Column("label", String(255), nullable=False),
    Column("softphone", Boolean, nullable=False),
    Column("sip_user", String(128), nullable=False),
    Column("sip_password_sealed", LargeBinary, nullable=False),
    Column("transport", String(8), nullable=False),  # empty: as the account says
    Column("replaces_to", String(64), nullable=False),  # empty: the extension's own number
    ForeignKeyConstraint(["account_id"], ["accounts.id"], ondelete="CASCADE"),
    UniqueConstraint("account_id", "sip_user"),
)

# The secret by which a tab comes back without the CRM. Only its digest is kept.
sessions = Table(
    "sessions",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("account_id", BigInteger, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("tab", String(64), nullable=False),
    Column("expires_at", Float, nullable=False),
    ForeignKeyConstraint(["account_id"], ["accounts.id"], ondelete="CASCADE"),
    Index("ix_sessions_expires_at", "expires_at"),
)

# The journal of calls (design section 6): what a restarted process needs to go on. The body is the lines' own affair.
# In PostgreSQL only: an SQLite database has a file beside it for that (docs/decisions/0004).
journal = Table(
    "journal",
    metadata,
    Column("id", Text, primary_key=True),  # a leg's Call-ID, as long as the PBX made it
    Column("account_id", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("ix_journal_account_id", "account_id"),
)
