using System.Globalization;
using System.Runtime.CompilerServices;
using SQLitePCL;

namespace Sluice.Sqlite;

/// <summary>Runs functions of items in the store's transaction.</summary>
/// <remarks>
/// A function runs on another thread, while the writer's thread waits for it: so one that never returns can be given up. Its token is
/// cancelled after <see cref="Living.MaxFunctionTime"/>, its statement is interrupted then, and after twice that time the writer goes on.
/// </remarks>
internal static class FunctionCalls
{
    // SQLite rolls the whole transaction back if a statement that writes is interrupted, or if a constraint asks for that. The transaction
    // is repeated without the function.
    private static readonly ConditionalWeakTable<CommitFunctions, ItemRejectedException> Interrupted = new();

    /// <summary>Runs the functions, inside of a savepoint of the caller.</summary>
    /// <exception cref="ItemRejectedException">A function failed.</exception>
    /// <exception cref="SqliteFailure">The file or the disk failed.</exception>
    public static void Run(Session session, CommitFunctions functions)
    {
        if (Interrupted.TryGetValue(functions, out ItemRejectedException? before)) throw before;
        for (int i = 0; i < functions.Count; i++) Run(session.Database, functions, i, session.Living.MaxFunctionTime);
    }

    private static void Run(Database database, CommitFunctions functions, int index, TimeSpan most)
    {
        var transaction = new SqliteTransaction(database);
        using var late = new CancellationTokenSource(most, TimeProvider.System);
        database.InterruptWhen(late.Token);
        Task running = functions.RunAsync(index, transaction, late.Token).AsTask();
        try
        {
            Exception? failure = null;
            bool hasEnded = Task.WaitAny([running], 2 * most) == 0;
            transaction.End();
            if (hasEnded) failure = running.Exception?.InnerException ?? (running.IsCanceled ? new TaskCanceledException(running) : null);
            if (transaction.Fault is { } fault) throw fault;
            string limit = most.TotalSeconds.ToString("N0", CultureInfo.InvariantCulture);
            if (!hasEnded)
                throw Refused($"It was still running after twice its {limit} seconds, although its token was cancelled. {TooLong}", null);
            if (late.IsCancellationRequested && (failure is not null || !database.IsInTransaction))
                throw Refused($"It ran longer than {limit} seconds. {TooLong}", null);
            if (failure is StreamStoreException { InnerException: SqliteFailure }) throw Refused(failure.Message, failure);
            if (failure is not null) throw Refused($"{TypeNames.Of(failure.GetType())}: {failure.Message.TrimEnd('.')}.", failure);
            // It has caught the failure of the statement. Whatever follows would be committed alone.
            if (!database.IsInTransaction) throw Refused(SqliteTransaction.RolledBack, null);
        }
        finally
        {
            database.InterruptNever();
        }

        Exception Refused(string why, Exception? cause)
        {
            var refused = new ItemRejectedException($"In the transaction of the commit, {functions.Describe(index)} failed. {why}", cause)
            { Attachment = functions, Item = index };
            if (database.IsInTransaction) return refused;
            Interrupted.AddOrUpdate(functions, refused);
            return new SqliteFailure(raw.SQLITE_INTERRUPT, refused.Message);
        }
    }

    private const string TooLong = "The store writes nothing else meanwhile: prepare everything before, and do not wait in it for calls of "
        + "the store.";
}
