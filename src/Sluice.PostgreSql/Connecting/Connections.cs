using System.Transactions;

namespace Sluice.PostgreSql;

/// <summary>Opens connections that have no part in a transaction of the caller. Everything in this package opens them here.</summary>
internal static class Connections
{
    /// <summary>
    /// Opens a connection outside of the caller's <see cref="TransactionScope"/>. A data source of the application enlists its connections
    /// unless it says <c>Enlist=false</c>; the library begins and ends its transactions by itself.
    /// </summary>
    public static async ValueTask<NpgsqlConnection> OpenOwnAsync(this NpgsqlDataSource source, CancellationToken cancellation = default)
    {
        if (Transaction.Current is null) return await source.OpenConnectionAsync(cancellation).ConfigureAwait(false);
        // The client looks for a transaction when it begins. The scope belongs to this thread, so it ends before anything is awaited.
        ValueTask<NpgsqlConnection> opening;
        using (new TransactionScope(TransactionScopeOption.Suppress, TransactionScopeAsyncFlowOption.Enabled))
            opening = source.OpenConnectionAsync(cancellation);
        return await opening.ConfigureAwait(false);
    }

    /// <summary>
    /// Runs statements on a connection of their own. After a failure that may have confused the client, the pool closes its connections,
    /// and opens others (<see cref="Failures.MayConfuse"/>).
    /// </summary>
    public static async Task<T> UseOwnAsync<T>(this NpgsqlDataSource source, Func<NpgsqlConnection, Task<T>> run,
        CancellationToken cancellation)
    {
        await using NpgsqlConnection connection = await source.OpenOwnAsync(cancellation).ConfigureAwait(false);
        try
        {
            return await run(connection).ConfigureAwait(false);
        }
        catch (Exception failure) when (Failures.MayConfuse(failure))
        {
            source.Clear();                          // before the connection returns to the pool
            throw;
        }
    }

    /// <summary>
    /// Runs a function that starts work of the library's own. The work does not get the context of the caller, above all not the caller's
    /// transaction, which ends before the work does.
    /// </summary>
    public static T Detached<T>(Func<T> start)
    {
        if (ExecutionContext.IsFlowSuppressed()) return start();
        using (ExecutionContext.SuppressFlow()) return start();
    }
}
