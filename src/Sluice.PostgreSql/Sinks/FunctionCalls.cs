using System.Runtime.CompilerServices;

namespace Sluice.PostgreSql;

/// <summary>Runs functions of items in the transaction of a round, which other callers share.</summary>
/// <remarks>
/// A function is foreign code. It must not end the transaction: a cursor that the server can only execute at a COMMIT makes each COMMIT
/// fail, and a savepoint that is gone shows that the transaction was rolled back. Settings that it changes are put back.
/// It has <see cref="Round.MaxFunctionTime"/>; after twice that time its connection is given up. What it cannot do again is remembered by
/// the attachment, which is the same when the round is repeated.
/// </remarks>
internal static class FunctionCalls
{
    private const int MaxLosses = 5;

    private static readonly ConditionalWeakTable<CommitFunctions, Faults> Known = new();

    // The expression is not constant, so it is computed at COMMIT, not before.
    private const string Guard = "DECLARE sluice_guard NO SCROLL CURSOR WITH HOLD FOR SELECT ('A function of InTransaction must not '"
        + "|| 'commit '|| 'the transaction of the store: item ' || item)::int FROM generate_series(1, 1) AS item";

    /// <summary>Runs attachments in order, behind a savepoint: all of them, or nothing.</summary>
    /// <exception cref="ItemRejectedException">A function failed, or a row was refused; the transaction continues.</exception>
    /// <exception cref="FunctionVoidedRoundException">A function has ended the transaction; the round is to be repeated.</exception>
    public static async Task RunAsync(Round round, IReadOnlyList<ICommitAttachment> attachments)
    {
        foreach (CommitFunctions functions in attachments.OfType<CommitFunctions>())
            if (Known.TryGetValue(functions, out Faults? faults) && faults.Why is { } why)
                throw Refused(functions, faults.Index, why, null);
        var settings = new FunctionSettings(round.Connection.PostgreSqlVersion);
        await ReadAsync(round.Connection, [settings.Ask(), new(Guard), new("SAVEPOINT sluice_commit")],
            row => round.BackendId = settings.Read(row)).ConfigureAwait(false);
        try
        {
            foreach (ICommitAttachment attachment in attachments)
                if (attachment is CommitFunctions functions)
                    for (int i = 0; i < functions.Count; i++) await RunAsync(round, functions, i, settings).ConfigureAwait(false);
                else await RowWrites.RunAsync(round.Connection, [(PostgresWrites)attachment]).ConfigureAwait(false);
        }
        catch (StreamStoreException)
        {
            await RunAsync(round.Connection, [new("ROLLBACK TO SAVEPOINT sluice_commit"), new("RELEASE SAVEPOINT sluice_commit"),
                new("CLOSE sluice_guard")]).ConfigureAwait(false);
            throw;
        }
        await RunAsync(round.Connection, [settings.BehindAll(), new("RELEASE SAVEPOINT sluice_commit"), new("CLOSE sluice_guard")])
            .ConfigureAwait(false);
    }

    private static async Task RunAsync(Round round, CommitFunctions functions, int index, FunctionSettings settings)
    {
        NpgsqlConnection connection = round.Connection;
        // A statement of a function that was given up does not keep the locks of the round.
        await RunAsync(connection, [new($"SET LOCAL statement_timeout = {Milliseconds(2 * round.MaxFunctionTime)}"),
            new("SAVEPOINT sluice_item")]).ConfigureAwait(false);
        Exception? failure = await TryAsync(round, functions, index).ConfigureAwait(false);
        try
        {
            if (failure is null)
            {
                // Deferred constraints are checked now, so that the item has a name.
                await RunAsync(connection, [new("SET CONSTRAINTS ALL IMMEDIATE"), new("SET CONSTRAINTS ALL DEFERRED"),
                    settings.BehindItem(), new("RELEASE SAVEPOINT sluice_item")]).ConfigureAwait(false);
                return;
            }
            // It takes back the settings, too.
            await RunAsync(connection, [new("ROLLBACK TO SAVEPOINT sluice_item")]).ConfigureAwait(false);
        }
        catch (PostgresException gone) when (gone.SqlState is PostgresErrorCodes.InvalidSavepointSpecification
            or PostgresErrorCodes.NoActiveSqlTransaction)
        {
            throw Void(functions, index, "It has committed or rolled back the transaction of the store. The store ends its transactions: "
                + "leave that to it. Nothing of the commit was applied", failure);
        }
        catch (PostgresException left) when (left.SqlState == PostgresErrorCodes.InFailedSqlTransaction)
        {
            throw Refused(functions, index, "A statement of it was refused, and it went on: nothing can follow in this transaction. Let "
                + "the exception through", left);
        }
        catch (PostgresException refused) when (!SinkFailures.IsOfServer(refused))
        {
            // A conflict or a timeout is repeated with the round, and so is what has cost the connection: for ever, that would hold up all
            // others.
            bool isOpen = connection.State == System.Data.ConnectionState.Open;
            string said = $"{refused.MessageText} ({refused.SqlState})";
            if ((!isOpen || Failures.IsConflict(refused) || SinkFailures.IsTransient(refused))
                && Known.GetOrCreateValue(functions).Lose(index) < MaxLosses)
            {
                if (isOpen) throw;
                throw new FunctionVoidedRoundException($"The server has failed behind {functions.Describe(index)}: {said}", refused);
            }
            if (!isOpen) throw Void(functions, index, $"The server has failed behind it: {said}", refused);
            throw Refused(functions, index, SinkFailures.IsTimeout(refused)
                ? $"The constraints that are checked last took longer than {(2 * round.MaxFunctionTime).TotalSeconds:N0} seconds, or were "
                    + $"cancelled, {MaxLosses} times: {said}"
                : $"A constraint that is checked last has refused it: {said}", refused);
        }
        catch (NpgsqlOperationInProgressException open)
        {
            throw Void(functions, index, "It has left a command or a reader open: dispose them, and await what it begins", open);
        }
        catch (Exception lost) when (lost is not PostgresException)
        {
            // The server is away, or the function has closed the connection.
            if (Known.GetOrCreateValue(functions).Lose(index) >= MaxLosses)
                throw Void(functions, index, $"The connection was closed or lost {MaxLosses} times while it ran. It must not close the "
                    + "connection of the transaction, or dispose the transaction", failure ?? lost);
            throw new FunctionVoidedRoundException($"The connection was lost while {functions.Describe(index)} ran.", failure ?? lost);
        }
        // The connection is alive. A conflict is repeated with the round; but it may also come from another database, for ever.
        if (Cause(failure) is { } server && Failures.IsConflict(server) && Known.GetOrCreateValue(functions).Lose(index) < MaxLosses)
            throw server;
        throw Refused(functions, index, FailureOf(failure), failure);
    }

    // Runs the function, and returns what it throws.
    private static async Task<Exception?> TryAsync(Round round, CommitFunctions functions, int index)
    {
        TimeSpan most = round.MaxFunctionTime;
        using var late = new CancellationTokenSource(most, TimeProvider.System);
        Task running = Task.CompletedTask;
        try
        {
            running = functions.RunAsync(index, round.Transaction!, late.Token).AsTask();
            await running.WaitAsync(2 * most, TimeProvider.System).ConfigureAwait(false);
        }
        catch (TimeoutException) when (!running.IsCompleted)
        {
            round.Unfinished = running;
            throw Void(functions, index, $"It was still running {(2 * most).TotalSeconds:N0} seconds after it began, although its token "
                + $"was cancelled after {most.TotalSeconds:N0}: {TooLong}", null);
        }
        catch (Exception failure)
        {
            if (!late.IsCancellationRequested) return failure;
            Known.GetOrCreateValue(functions).Refuse(index, $"It ran longer than {most.TotalSeconds:N0} seconds: {TooLong}");
            return new TimeoutException($"It ran longer than {most.TotalSeconds:N0} seconds: {TooLong}.", failure);
        }
        return null;
    }

    private const string TooLong = "all callers of the store wait for it. Prepare everything before, and do not wait in it for calls of "
        + "the store that do not take its transaction";

    private static FunctionVoidedRoundException Void(CommitFunctions functions, int index, string why, Exception? cause)
    {
        Known.GetOrCreateValue(functions).Refuse(index, why);
        return new(Message(functions, index, why), cause);
    }

    private static ItemRejectedException Refused(CommitFunctions functions, int index, string why, Exception? cause)
        => new(Message(functions, index, why), cause) { Attachment = functions, Item = index };

    private static string Message(CommitFunctions functions, int index, string why)
        => $"In the transaction of the commit, {functions.Describe(index)} failed. {why}.";

    private static string FailureOf(Exception failure) => failure is PostgresException server
        ? $"{server.MessageText} ({server.SqlState})" : $"{TypeNames.Of(failure.GetType())}: {failure.Message.TrimEnd('.')}";

    // What the server said, also if an object-relational mapper has wrapped it.
    private static PostgresException? Cause(Exception? failure)
    {
        for (; failure is not null; failure = failure.InnerException)
            if (failure is PostgresException server) return server;
        return null;
    }

    private static string Milliseconds(TimeSpan time) => ((long)time.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);

    private static Task RunAsync(NpgsqlConnection connection, NpgsqlBatchCommand[] commands)
        => ReadAsync(connection, commands, static _ => { });

    private static async Task ReadAsync(NpgsqlConnection connection, NpgsqlBatchCommand[] commands, Action<NpgsqlDataReader> first)
    {
        await using NpgsqlBatch batch = connection.CreateBatch();
        foreach (NpgsqlBatchCommand command in commands) batch.BatchCommands.Add(command);
        await using NpgsqlDataReader rows = await batch.ExecuteReaderAsync().ConfigureAwait(false);
        if (await rows.ReadAsync().ConfigureAwait(false)) first(rows);
        while (await rows.NextResultAsync().ConfigureAwait(false))
        {
            // errors of later statements come with their results
        }
    }

    /// <summary>What functions of an attachment have done to earlier rounds. Used by one round at a time.</summary>
    private sealed class Faults
    {
        private readonly Dictionary<int, int> losses = [];

        public int Index { get; private set; }

        public string? Why { get; private set; }

        public void Refuse(int index, string why) => (Index, Why) = (index, why);

        public int Lose(int index) => losses[index] = losses.GetValueOrDefault(index) + 1;
    }
}

/// <summary>A function has ended or lost the transaction of the round: the round is repeated, as after a lost connection.</summary>
internal sealed class FunctionVoidedRoundException(string message, Exception? cause) : IOException(message, cause);
