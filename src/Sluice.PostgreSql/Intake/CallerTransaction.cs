using System.Data.Common;

namespace Sluice.PostgreSql;

/// <summary>A transaction of an application, and the store and stream to which it sends.</summary>
internal sealed class CallerTransaction
{
    private readonly PostgresStreamStore store;
    private readonly NpgsqlConnection connection;

    internal CallerTransaction(PostgresStreamStore store, string stream, NpgsqlConnection connection)
        => (this.store, Stream, this.connection) = (store, stream, connection);

    public string Stream { get; }

    /// <exception cref="ArgumentException">The transaction is of another provider, or the sender is no consecutor.</exception>
    /// <exception cref="InvalidOperationException">The store is another one, or the transaction has completed.</exception>
    public static CallerTransaction Of<T>(ISender<T> sender, DbTransaction transaction)
    {
        ArgumentNullException.ThrowIfNull(sender);
        ArgumentNullException.ThrowIfNull(transaction);
        if (sender is not Consecutor<T> consecutor)
            throw new ArgumentException($"Only a consecutor sends in a transaction; this is a {TypeNames.Of(sender.GetType())}. Pass the "
                + "Consecutor or the ISender that the host has registered.", nameof(sender));
        if (transaction is not NpgsqlTransaction own)
            throw new ArgumentException($"This is a {TypeNames.Of(transaction.GetType())}, and a PostgreSQL store needs an "
                + "NpgsqlTransaction. If it wraps one, pass the wrapped one; with EF Core, "
                + "db.Database.CurrentTransaction!.GetDbTransaction().", nameof(transaction));
        if (consecutor.Store.Root is not PostgresStreamStore store)
            throw new InvalidOperationException($"The consecutor {consecutor.Name} has no PostgreSQL store "
                + $"({TypeNames.Of(consecutor.Store.Root.GetType())}), so its items cannot be part of a transaction. Give it a "
                + "PostgresStreamStore in the database of the transaction, or send after the commit.");
        return new(store, consecutor.Name, ConnectionOf(own));
    }

    public async Task<SendResult> SendAsync(EntryBatch entries, SendOptions? options, CancellationToken cancellation)
    {
        try
        {
            return await store.AcceptAsync(Stream, entries, connection, options, cancellation).ConfigureAwait(false);
        }
        catch (PostgresException failure) when (failure.SqlState == PostgresErrorCodes.InFailedSqlTransaction)
        {
            throw new InvalidOperationException($"Nothing is sent to {Stream}: an earlier statement of the transaction has failed (25P02), "
                + "so it can only be rolled back, as a whole or to a savepoint. Look at the first error.", failure);
        }
        catch (PostgresException failure) when (failure.SqlState == PostgresErrorCodes.NoActiveSqlTransaction)
        {
            throw new InvalidOperationException($"Nothing is sent to {Stream}: the transaction was committed or rolled back while the send "
                + "was under way. Await the send before you end the transaction.", failure);
        }
        catch (PostgresException failure) when (failure.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            throw new InvalidOperationException($"Nothing is sent to {Stream}: the user of the transaction may not use the store's tables "
                + $"({failure.MessageText}), and the transaction has failed. Grant it: {store.GrantsToSend("…")}", failure);
        }
    }

    internal static NpgsqlConnection ConnectionOf(NpgsqlTransaction transaction)
    {
        NpgsqlConnection? connection = null;
        try
        {
            _ = transaction.IsolationLevel;          // throws after the end; the connection would run the statement on its own
            connection = transaction.Connection;
        }
        catch (InvalidOperationException)
        {
            // disposed
        }
        return connection ?? throw new InvalidOperationException("The transaction has completed: nothing can be sent in it any more. Send "
            + "before the commit, or begin another transaction.");
    }
}
