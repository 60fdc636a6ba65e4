using System.Net.Sockets;
using System.Security.Authentication;

namespace Sluice.PostgreSql;

/// <summary>Converts failures of the client and the server to exceptions for users. None shows a password.</summary>
internal static class Failures
{
    /// <summary>Whether another transaction was in the way: the round is repeated.</summary>
    public static bool IsConflict(Exception failure)
        => failure is PostgresException { SqlState: PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected };

    /// <summary>Whether the server refuses the call, and will refuse the next ones. Not so one call that was in the way of another, or
    /// took too long.</summary>
    public static bool IsRefusal(PostgresException failure)
        => !MayPass(failure) && !IsConflict(failure) && failure.SqlState != PostgresErrorCodes.QueryCanceled;

    /// <summary>
    /// Whether the failure may pass: no connection, a server that starts, stops or is full of connections, a killed backend, or a standby
    /// that is about to be promoted.
    /// </summary>
    public static bool MayPass(Exception failure) => failure switch
    {
        PostgresException server => server.SqlState is PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown
            or PostgresErrorCodes.CannotConnectNow or PostgresErrorCodes.TooManyConnections or PostgresErrorCodes.ReadOnlySqlTransaction
            or PostgresErrorCodes.LockNotAvailable or "57P05" or "25P03" or "25P04"
            || server.SqlState.StartsWith("08", StringComparison.Ordinal)
            // PgBouncer: the server went away under a client, or does not answer.
            || (server.SqlState == PostgresErrorCodes.ProtocolViolation),
        NpgsqlException or SocketException or IOException or TimeoutException => true,
        ObjectDisposedException => !IsSourceGone(failure),           // a connection
        InvalidOperationException broken => broken.Message.Contains("not open", StringComparison.OrdinalIgnoreCase)
            || broken.Message.Contains("Connection property", StringComparison.Ordinal),
        _ => IsLostPlace(failure),
    };

    /// <summary>Whether the data source was disposed: no call will ever succeed.</summary>
    public static bool IsSourceGone(Exception failure)
        => failure is ObjectDisposedException gone && gone.ObjectName.EndsWith("DataSource", StringComparison.Ordinal);

    /// <summary>
    /// Whether the client may be wrong about the connection after a failure. If a batch fails while the server parses it, the client may
    /// believe that another statement is prepared under a name than the one that is: a later call would execute that one. Such a connection
    /// must not be used again. So that new settings of the user come into effect, no connection of its pool is.
    /// </summary>
    public static bool MayConfuse(Exception failure) => failure switch
    {
        PostgresException server => server.InvariantSeverity == "ERROR" && !RoundCheck.Explains(server),
        FunctionVoidedRoundException => true,        // it may have changed the session behind a rollback of its own
        NpgsqlException or SocketException or IOException or TimeoutException => false,      // the connection has ended
        OperationCanceledException => failure.InnerException is PostgresException,
        SluiceException or ObjectDisposedException => false,         // the store's own refusals
        _ => true,
    };

    // Npgsql throws a plain Exception, and ends the connection, when the server's messages are not the expected ones.
    private static bool IsLostPlace(Exception failure) => failure.GetType() == typeof(Exception) && failure.Source == "Npgsql";

    /// <summary>
    /// Why no connection is as safe as asked for: a certificate that is not trusted, a server without TLS; null if that is not the failure.
    /// </summary>
    public static string? Unsafe(Exception failure) => failure switch
    {
        // The client's own check gives no reason: .NET only says that a callback has rejected the certificate.
        NpgsqlException { InnerException: AuthenticationException untrusted }
            => untrusted.Message.Contains("callback", StringComparison.OrdinalIgnoreCase)
                ? "its certificate is not trusted, or made for another host" : untrusted.Message,
        // of several servers
        NpgsqlException { InnerException: AggregateException all } when all.InnerExceptions.All(static one => Unsafe(one) is not null)
            => Unsafe(all.InnerExceptions[0]),
        NpgsqlException and not PostgresException when failure.Message.StartsWith("SSL connection requested", StringComparison.Ordinal)
            => "the server does not offer TLS to this host",
        _ => null,
    };

    /// <summary>Whether another transaction has kept a lock for long.</summary>
    public static bool IsLocked(Exception failure) => failure is PostgresException { SqlState: PostgresErrorCodes.LockNotAvailable };

    /// <summary>
    /// Whether a transaction whose COMMIT was sent may have been executed. A statement that the server refused came before it, and has
    /// undone everything.
    /// </summary>
    public static bool MayHaveRun(Exception failure) => failure is not PostgresException { InvariantSeverity: "ERROR" };

    /// <summary>A server that only copies another one would answer with what was true a while ago.</summary>
    public static PostgresException Standby()
        => new("the server is in recovery: it copies another one", "ERROR", "ERROR", PostgresErrorCodes.ReadOnlySqlTransaction);

    /// <summary>The server's words, for a warning; empty if it said nothing.</summary>
    public static string Words(Exception? failure) => failure is PostgresException server ? server.MessageText : "";

    /// <summary>Whether no connection of the pool became free in time. The server was not asked.</summary>
    public static bool IsPoolExhausted(Exception failure)
        => failure is NpgsqlException { InnerException: TimeoutException } && failure.Message.Contains("pool has been exhausted",
            StringComparison.Ordinal);

    /// <summary>Returns the exception to throw instead.</summary>
    /// <param name="failure">The failure.</param>
    /// <param name="place">The server and database.</param>
    /// <param name="mayHaveRun">Whether the server may have executed the call.</param>
    public static Exception Explain(Exception failure, StorePlace place, bool mayHaveRun)
    {
        if (IsSourceGone(failure)) return new ObjectDisposedException(
            $"The NpgsqlDataSource that you gave to the store {place.Name} was disposed, and the store cannot connect any more. Dispose "
                + "the data source last, after the store.", failure);
        if (failure is not (NpgsqlException or SocketException or IOException or TimeoutException) && !IsLostPlace(failure))
            return failure;
        string outcome = mayHaveRun ? "what was asked may have been done or not. Repeat it" : "Nothing was done";
        if (Unsafe(failure) is { } reason)
            return new StreamStoreException(
                $"There is no TLS connection to the PostgreSQL server at {place.Server}: {reason.TrimEnd('.')}. "
                + "SSL Mode and Root Certificate in the connection string say what is asked for; VerifyFull also checks that the "
                + $"certificate is made for the Host. {char.ToUpperInvariant(outcome[0])}{outcome[1..]}.", failure);
        if (IsPoolExhausted(failure))
            return new StreamStoreException($"All connections of the pool to the PostgreSQL server at {place.Server} are in use: {outcome}. "
                + "Raise Maximum Pool Size. If the store has an NpgsqlDataSource of the application, each open transaction of the application "
                + "keeps one of its connections: give the store a data source of its own.", failure);
        if (failure is not PostgresException server)
            return new StreamStoreException($"The PostgreSQL server at {place.Server} does not answer: {outcome}."
                + (HasWaited(failure) ? " It has not ended a statement within the Command Timeout: it is overloaded or frozen, or another "
                    + "session holds a lock (pg_blocking_pids)." : ""), failure);
        if (RowFailure.TextOf(server) is { } ofSink) return new StreamStoreException(ofSink, failure);
        return server.SqlState switch
        {
            PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification => new StreamStoreException(
                $"The PostgreSQL server at {place.Server} refuses the user {place.User}: {server.MessageText}. Give the right user and "
                    + "password in the connection string.", failure),
            PostgresErrorCodes.InvalidCatalogName => new StreamStoreException(
                $"There is no database {place.Database} on the PostgreSQL server at {place.Server}: create it, or name another one in the "
                    + "connection string.", failure)
            { IsPermanent = true },
            PostgresErrorCodes.InsufficientPrivilege => new StreamStoreException(
                $"The user {place.User} may not do this in {place}: {server.MessageText}. docs/operations/postgresql.md lists the "
                    + "privileges that a store needs.", failure)
            { IsPermanent = true },
            PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName => new StoreRolledBackException(
                $"The tables of the store at {place} are gone: {server.MessageText}. Its items and its state are lost.", failure),
            PostgresErrorCodes.QueryCanceled => new StreamStoreException(
                $"The PostgreSQL server at {place.Server} has cancelled a statement ({server.MessageText}): {outcome}. Raise the user's "
                    + "statement_timeout, or find out what keeps the server busy.", failure),
            PostgresErrorCodes.DiskFull => new StreamStoreException(
                $"The disk of the PostgreSQL server at {place.Server} is full: nothing was written. Make room.", failure),
            PostgresErrorCodes.TooManyConnections => new StreamStoreException(
                $"The PostgreSQL server at {place.Server} accepts no more connections ({server.MessageText}). Raise the limit "
                    + "that this is about (max_connections, or the CONNECTION LIMIT of the role or the database), or lower "
                    + "PostgresStoreOptions.MaxConnections.", failure),
            PostgresErrorCodes.ReadOnlySqlTransaction => new StreamStoreException(
                $"The PostgreSQL server at {place.Server} accepts no writes: it is a standby, or set to read-only. Connect to the primary "
                    + "(Target Session Attributes=primary).", failure),
            // Behind a pooler, the next transaction may get another connection, which has other prepared statements.
            PostgresErrorCodes.InvalidSqlStatementName or PostgresErrorCodes.DuplicatePreparedStatement => new StreamStoreException(
                $"The connection to the PostgreSQL server at {place.Server} is not the one on which the store has prepared its statements "
                    + $"({server.MessageText}): {outcome}. If a pooler such as PgBouncer in transaction mode stands between, write "
                    + "Transaction Pooling=true into the connection string (PostgresStoreOptions.TransactionPooling).", failure),
            _ when MayPass(server) => new StreamStoreException(
                $"The PostgreSQL server at {place.Server} does not serve calls ({server.MessageText}): {outcome}.", failure),
            _ => new StreamStoreException(
                $"The PostgreSQL server at {place.Server} refused a statement of the store: {server.MessageText} ({server.SqlState}). "
                    + "Nothing was done.", failure),
        };
    }

    // Npgsql's words for an answer that has not come in time; opening a connection has others.
    public static bool HasWaited(Exception failure) => failure is NpgsqlException { InnerException: TimeoutException }
        && failure.Message.StartsWith("Exception while reading", StringComparison.Ordinal);

    public static StoreRolledBackException Emptied(string schema) => new(
        $"The store in the schema {schema} is not the one that was opened: everything in it was deleted since, or the database was put in "
            + "place of another one.");

    public static StreamStoreException Missing(string what, string? stream = null) => new(
        $"A row of {what} is not in the store although it should be: another program has deleted rows of Sluice's, or it is a defect. "
            + "Restore a backup; CheckAsync lists what is damaged.")
    { Stream = stream, IsPermanent = true };
}

/// <summary>Where a store is, without secrets.</summary>
internal sealed record StorePlace(string Server, string Database, string User, string Schema)
{
    public static StorePlace Of(string connection, string schema)
    {
        var text = new NpgsqlConnectionStringBuilder(connection);
        string port = text.Port.ToString(CultureInfo.InvariantCulture);
        // Each of several servers may have a port of its own.
        string servers = string.Join(',', (text.Host ?? "localhost").Split(',').Select(
            server => server.Contains(':', StringComparison.Ordinal) ? server : $"{server}:{port}"));
        return new(servers, text.Database ?? text.Username ?? "", text.Username ?? "", schema);
    }

    /// <summary>The store in the error of a call after its disposal.</summary>
    public string Name => $"at {Server}";

    public override string ToString() => $"{Server}/{Database}, schema {Schema}";
}
