namespace Sluice.PostgreSql;

/// <summary>Writes of applications in the transactions of the store.</summary>
internal static class AttachmentCalls
{
    // Of two processes that create a table at the same time, one would fail although it says IF NOT EXISTS.
    public const string LockCreation = "SELECT pg_advisory_xact_lock(hashtext('sluice sink'))";

    /// <summary>
    /// Runs attachments behind a savepoint: if a statement is refused, only they are undone, and the transaction continues for other
    /// callers. Failures that have another cause fail the round: it is repeated.
    /// </summary>
    public static Task RunAsync(Round round, StoreCommit commit) => commit.Attachments.Count == 0 ? Task.CompletedTask
        : round.Wait!.ForApplicationAsync(() => HasFunctions(commit) ? FunctionCalls.RunAsync(round, commit.Attachments)
            : RowWrites.RunAsync(round.Connection, [.. commit.Attachments.Cast<PostgresWrites>()]));

    /// <summary>Whether a commit brings functions, which need the client's object of the transaction.</summary>
    public static bool HasFunctions(StoreCommit commit) => commit.Attachments.Any(static attachment => attachment is CommitFunctions);

    /// <summary>Runs the statement that makes a sink's table, and lets the server check the other one.</summary>
    /// <returns>The types of the parameters of the other statement.</returns>
    public static async Task<uint[]> PrepareAsync(NpgsqlConnection connection, string? create, string sql, CancellationToken cancellation)
    {
        await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellation).ConfigureAwait(false);
        await DoAsync(Sql.UsuallyFrozen).ConfigureAwait(false);
        if (create is not null)
        {
            await DoAsync(LockCreation).ConfigureAwait(false);
            await DoAsync(create).ConfigureAwait(false);
        }
        await DoAsync($"PREPARE sluice_sink AS {sql}").ConfigureAwait(false);
        await using var ask = new NpgsqlCommand("SELECT parameter_types::oid[] FROM pg_prepared_statements WHERE name = 'sluice_sink'",
            connection, transaction);
        uint[] types = (uint[])(await ask.ExecuteScalarAsync(cancellation).ConfigureAwait(false))!;
        await DoAsync("DEALLOCATE sluice_sink").ConfigureAwait(false);
        await transaction.CommitAsync(cancellation).ConfigureAwait(false);
        return types;

        async Task DoAsync(string text)
        {
            // A batch takes one statement as it is; a command would divide the text, and run what comes behind a semicolon.
            await using var batch = new NpgsqlBatch(connection, transaction) { BatchCommands = { new(text) } };
            try
            {
                await batch.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
            }
            catch (PostgresException failure) when (SinkFailures.IsOfStatement(failure))
            {
                throw new SinkStatementException(text, isCreate: ReferenceEquals(text, create), failure);
            }
        }
    }
}
