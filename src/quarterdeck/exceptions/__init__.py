"""Every error that Quarterdeck raises for a programmer or an operator.

Messages read: quoted name of the thing - problem - remedy.
HTTP conditions (404, 403, ...) stay werkzeug exceptions and do not live here.
"""

from typing import TYPE_CHECKING

from quarterdeck import _deferred

from .app import (
    ApplicationClassError,
    ContextEndedError,
    InvalidExpressionError,
    InvalidStatusError,
    RequestClassError,
    SessionCookieTooLargeError,
)
from .apscheduler import (
    JobBusyError,
    JobChangedError,
    JobConflictError,
    JobNotFoundError,
    JobNotWritableError,
    JobOptionError,
    LeaseLostError,
    SchedulerStateError,
)
from .babel import (
    AsyncSelectorError,
    CatalogError,
)
from .base import (
    AppContextMissingError,
    ConfigurationError,
    ExtensionAlreadyInitializedError,
    ExtensionNotInitializedError,
    MarkWithoutExtensionError,
    MissingPackageError,
    NotAwaitedError,
    QuarterdeckError,
)
from .bootstrap import (
    BootstrapMissingError,
    IconNotFoundError,
    MacroUseError,
)
from .bridge import (
    BridgeError,
)
from .commands import (
    CommandInLoopError,
)
from .mail import (
    BadHeaderError,
    DeliveryError,
    InvalidAddressError,
    InvalidMessageError,
    OutboxMailNotFoundError,
    OutboxMissingError,
    PermanentDeliveryError,
    RecipientsRefusedError,
    TemporaryDeliveryError,
)
from .migrate import (
    DatabaseUnreachableError,
    ForeignKeyViolationError,
    MigrateDatabaseError,
    MigrationError,
    MigrationLockedError,
    MigrationsFolderError,
    MigrationsOutsideError,
    MigrationsPendingError,
    MultipleHeadsError,
    RevisionNotFoundError,
    SchemaDriftError,
)
from .moment import (
    MomentArgumentError,
)
from .serving import (
    CertificateError,
    ServerAddressError,
    ServerConfigurationError,
    ServingTargetError,
    SingleProcessError,
    ThreadAtForkError,
)
from .sockets import (
    ClientClosedError,
    EventRefusedError,
    EventsUnavailableError,
    HubNotRunningError,
    IdentityMissingError,
    MessageRefusedError,
    NotAllowedError,
    NotSignedInError,
    RoomPatternError,
    SayRefusedError,
    SocketClientError,
    SocketRefusedError,
    SocketUnreachableError,
    UnknownRoomError,
)
from .testing import IsolatedTransactionError

if TYPE_CHECKING:
    from .login import (
        AccessConflictError,
        CurrentUserUnavailableError,
        LoginContextError,
        LoginViewNotPublicError,
        PasswordHasherBusyError,
        RememberDurationError,
        SessionProtectionError,
        UserCapabilityError,
        UserLoaderError,
    )
    from .security import (
        NonceUnavailableError,
        RateLimitExceededError,
        RateLimitsUnavailableError,
        SecurityPolicyError,
    )
    from .session import (
        SessionHandshakeError,
        SessionListingError,
        SessionUnavailableError,
        SessionUnreadableError,
        SessionValueError,
        StatelessSessionError,
    )
    from .sqlalchemy import (
        BadCursorError,
        BulkQueryError,
        ColumnNotLoadedError,
        DatabaseBusyError,
        DatabaseTimeoutError,
        DatabaseUnavailableError,
        DynamicRelationshipError,
        InexactArithmeticError,
        InexactDecimalError,
        ModelMetadataError,
        NaiveDatetimeError,
        PageDetachedError,
        PoolExhaustedError,
        QueryNotIterableError,
        RelationshipNotLoadedError,
        RepeatedTransactionError,
        SessionOptionError,
        SessionSharedError,
        TransactionConflictError,
        TransactionOwnedError,
        UnknownBindError,
    )
    from .wtf import (
        AsyncValidatorError,
        CSRFError,
        FileNotSeekableError,
        FormNotAwaitedError,
        FormNotBoundError,
        FormVersionError,
        SyncValidateError,
    )
else:
    # These are HTTP errors too. The supervisor of workers raises none of them, and does not import
    # Werkzeug, which takes as much memory as all the rest of it.
    _HTTP_ERRORS = {
        "login": (
            "AccessConflictError CurrentUserUnavailableError LoginContextError "
            "LoginViewNotPublicError PasswordHasherBusyError RememberDurationError "
            "SessionProtectionError UserCapabilityError UserLoaderError"
        ),
        "security": (
            "NonceUnavailableError RateLimitExceededError RateLimitsUnavailableError "
            "SecurityPolicyError"
        ),
        "session": (
            "SessionHandshakeError SessionListingError SessionUnavailableError "
            "SessionUnreadableError SessionValueError StatelessSessionError"
        ),
        "sqlalchemy": (
            "BadCursorError BulkQueryError ColumnNotLoadedError DatabaseBusyError "
            "DatabaseTimeoutError DatabaseUnavailableError DynamicRelationshipError "
            "InexactArithmeticError InexactDecimalError ModelMetadataError NaiveDatetimeError "
            "PageDetachedError PoolExhaustedError QueryNotIterableError "
            "RelationshipNotLoadedError RepeatedTransactionError SessionOptionError "
            "SessionSharedError TransactionConflictError TransactionOwnedError "
            "UnknownBindError"
        ),
        "wtf": (
            "AsyncValidatorError CSRFError FileNotSeekableError FormNotAwaitedError "
            "FormNotBoundError FormVersionError SyncValidateError"
        ),
    }
    __getattr__ = _deferred.deferred(
        __name__, {name: home for home, names in _HTTP_ERRORS.items() for name in names.split()}
    )

__all__ = [
    "AccessConflictError",
    "AppContextMissingError",
    "ApplicationClassError",
    "AsyncSelectorError",
    "AsyncValidatorError",
    "BadCursorError",
    "BadHeaderError",
    "BootstrapMissingError",
    "BridgeError",
    "BulkQueryError",
    "CSRFError",
    "CatalogError",
    "CertificateError",
    "ClientClosedError",
    "ColumnNotLoadedError",
    "CommandInLoopError",
    "ConfigurationError",
    "ContextEndedError",
    "CurrentUserUnavailableError",
    "DatabaseBusyError",
    "DatabaseTimeoutError",
    "DatabaseUnavailableError",
    "DatabaseUnreachableError",
    "DeliveryError",
    "DynamicRelationshipError",
    "EventRefusedError",
    "EventsUnavailableError",
    "ExtensionAlreadyInitializedError",
    "ExtensionNotInitializedError",
    "FileNotSeekableError",
    "ForeignKeyViolationError",
    "FormNotAwaitedError",
    "FormNotBoundError",
    "FormVersionError",
    "HubNotRunningError",
    "IconNotFoundError",
    "IdentityMissingError",
    "InexactArithmeticError",
    "InexactDecimalError",
    "InvalidAddressError",
    "InvalidExpressionError",
    "InvalidMessageError",
    "InvalidStatusError",
    "IsolatedTransactionError",
    "JobBusyError",
    "JobChangedError",
    "JobConflictError",
    "JobNotFoundError",
    "JobNotWritableError",
    "JobOptionError",
    "LeaseLostError",
    "LoginContextError",
    "LoginViewNotPublicError",
    "MacroUseError",
    "MarkWithoutExtensionError",
    "MessageRefusedError",
    "MigrateDatabaseError",
    "MigrationError",
    "MigrationLockedError",
    "MigrationsFolderError",
    "MigrationsOutsideError",
    "MigrationsPendingError",
    "MissingPackageError",
    "ModelMetadataError",
    "MomentArgumentError",
    "MultipleHeadsError",
    "NaiveDatetimeError",
    "NonceUnavailableError",
    "NotAllowedError",
    "NotAwaitedError",
    "NotSignedInError",
    "OutboxMailNotFoundError",
    "OutboxMissingError",
    "PageDetachedError",
    "PasswordHasherBusyError",
    "PermanentDeliveryError",
    "PoolExhaustedError",
    "QuarterdeckError",
    "QueryNotIterableError",
    "RateLimitExceededError",
    "RateLimitsUnavailableError",
    "RecipientsRefusedError",
    "RelationshipNotLoadedError",
    "RememberDurationError",
    "RepeatedTransactionError",
    "RequestClassError",
    "RevisionNotFoundError",
    "RoomPatternError",
    "SayRefusedError",
    "SchedulerStateError",
    "SchemaDriftError",
    "SecurityPolicyError",
    "ServerAddressError",
    "ServerConfigurationError",
    "ServingTargetError",
    "SessionCookieTooLargeError",
    "SessionHandshakeError",
    "SessionListingError",
    "SessionOptionError",
    "SessionProtectionError",
    "SessionSharedError",
    "SessionUnavailableError",
    "SessionUnreadableError",
    "SessionValueError",
    "SingleProcessError",
    "SocketClientError",
    "SocketRefusedError",
    "SocketUnreachableError",
    "StatelessSessionError",
    "SyncValidateError",
    "TemporaryDeliveryError",
    "ThreadAtForkError",
    "TransactionConflictError",
    "TransactionOwnedError",
    "UnknownBindError",
    "UnknownRoomError",
    "UserCapabilityError",
    "UserLoaderError",
]
