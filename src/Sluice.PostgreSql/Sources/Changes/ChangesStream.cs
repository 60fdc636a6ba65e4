using System.Runtime.CompilerServices;
using Npgsql.Replication;
using Npgsql.Replication.PgOutput;
using Npgsql.Replication.PgOutput.Messages;
using NpgsqlTypes;

namespace Sluice.PostgreSql.Sources;

/// <summary>Reads changes from a slot behind a position, and acknowledges what is stored.</summary>
/// <remarks>
/// A change is held until the next message: the last change of a transaction carries the position behind the transaction. The client's
/// timer answers the server while the consumer is slow.
/// </remarks>
internal sealed class ChangesStream(SourceServer server, string publication, PostgresChangesOptions options,
    SourceProgress progress)
{
    private const string Prefix = "sluice";
    private const int HasMessages = 140_000;

    public async IAsyncEnumerable<(PostgresChange Change, ChangesPosition Position)> ReadAsync(LogicalReplicationConnection connection,
        ChangesServer known, ChangesPosition position, [EnumeratorCancellation] CancellationToken cancellation)
    {
        bool hasMessages = known.Version >= HasMessages;
        var settings = new PgOutputReplicationOptions(publication, PgOutputProtocolVersion.V1, messages: hasMessages ? true : null);
        ulong finished = position.Flushed;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        IAsyncEnumerable<PgOutputReplicationMessage> messages = connection.StartReplication(
            new PgOutputReplicationSlot(position.Slot), settings, cancellation, new NpgsqlLogSequenceNumber(position.Flushed));
        connection.SetReplicationStatus(new(Acknowledged()));
        Task beside = Task.WhenAll(AcknowledgeAsync(connection, Acknowledged, ending.Token),
            hasMessages ? SendHeartbeatsAsync(position.Slot, ending.Token) : Task.CompletedTask);
        try
        {
            PostgresChange? held = null;
            BeginMessage? begun = null;
            (ulong commit, uint id, DateTimeOffset at) = (0, 0, default);
            long read = 0, skip = 0;
            bool isHeartbeat = false;
            await foreach (PgOutputReplicationMessage message in messages.WithCancellation(cancellation).ConfigureAwait(false))
            {
                switch (message)
                {
                    case BeginMessage begin:
                        begun = begin;
                        (commit, id, at) = ((ulong)begin.TransactionFinalLsn, begin.TransactionXid,
                            new(DateTime.SpecifyKind(begin.TransactionCommitTimestamp, DateTimeKind.Utc)));
                        skip = commit == position.Transaction ? position.Count : 0;
                        if (position.Transaction > 0 && commit > position.Transaction) throw new InvalidDataException(
                            $"The server does not send the transaction at {SlotCheck.Lsn(position.Transaction)} again, of which the "
                                + $"producer '{server.Name}' has accepted {position.Count:N0} changes: the publication '{publication}' "
                                + "was changed.");
                        (read, isHeartbeat) = (0, false);
                        break;
                    case LogicalDecodingMessage { Prefix: Prefix } heartbeat:
                        await heartbeat.Data.CopyToAsync(Stream.Null, cancellation).ConfigureAwait(false);
                        isHeartbeat = true;
                        break;
                    case CommitMessage end:
                        position = position with { Flushed = (ulong)end.TransactionEndLsn, Transaction = 0, Count = 0 };
                        if (held is not null) yield return (held with { IsLastOfTransaction = true }, position);
                        else if (isHeartbeat && begun is not null)
                            await progress.StoreAsync(position.ToBytes(), cancellation).ConfigureAwait(false);
                        (held, begun) = (null, null);
                        Volatile.Write(ref finished, position.Flushed);
                        break;
                    default:
                        foreach (PostgresChange change in await MessageReader.ReadAsync(message, cancellation).ConfigureAwait(false))
                        {
                            if (held is not null)
                            {
                                position = position with { Transaction = commit, Count = read };
                                yield return (held, position);
                                held = null;
                            }
                            if (++read > skip)
                                held = change with { TransactionId = id, CommitLsn = commit, CommitTime = at };
                        }
                        break;
                }
            }
        }
        finally
        {
            await ending.CancelAsync().ConfigureAwait(false);
            await beside.ConfigureAwait(false);
        }

        // Without a store, nothing outlives the run.
        ulong Acknowledged() => !progress.IsStored ? Volatile.Read(ref finished)
            : progress.Stored.IsEmpty ? 0 : ChangesPosition.Read(progress.Stored, server.Name).Flushed;
    }

    // If the server ends the connection at this moment, Npgsql has cleared what the message is written to, and fails with a null.
    private static async Task TellAsync(LogicalReplicationConnection connection, CancellationToken ending)
    {
        try
        {
            await connection.SendStatusUpdate(ending).ConfigureAwait(false);
        }
        catch (NullReferenceException e)
        {
            throw new NpgsqlException("The replication connection has ended.", e);
        }
    }

    /// <summary>Tells the server what is durable, until it is cancelled or the connection has ended.</summary>
    private async Task AcknowledgeAsync(LogicalReplicationConnection connection, Func<ulong> acknowledged, CancellationToken ending)
    {
        ulong told = 0;
        try
        {
            while (true)
            {
                await server.WaitAsync(options.AcknowledgeInterval, ending).ConfigureAwait(false);
                ulong durable = acknowledged();
                if (durable <= told) continue;
                connection.SetReplicationStatus(new(durable));      // Npgsql's timer tells it at the latest
                // Before the server's first message, Npgsql may have no timers: it would fail here, and never tell the server anything.
                if (connection.LastReceivedLsn == NpgsqlLogSequenceNumber.Invalid) continue;
                await TellAsync(connection, ending).ConfigureAwait(false);
                told = durable;
            }
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            // the stream has ended
        }
        catch (Exception e) when (SourceServer.MayPass(e) || e is InvalidOperationException)
        {
            // the connection is gone, which the stream notices, too
        }
    }

    /// <summary>Sends heartbeats until it is cancelled, also after the server has refused one.</summary>
    private async Task SendHeartbeatsAsync(string slot, CancellationToken ending)
    {
        string logged = "";
        while (true)
            try
            {
                await server.WaitAsync(options.HeartbeatInterval, ending).ConfigureAwait(false);
                logged = await HeartbeatAsync(slot, logged, ending).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (ending.IsCancellationRequested)
            {
                return;                              // the stream has ended
            }
            catch (Exception e) when (e is InvalidDataException or InvalidOperationException)
            {
                // refused, or the connection was lost in the middle of it
                server.WarnOnce($"no heartbeat can be written, so an idle publication keeps the server's log: {e.Message}");
            }
    }

    /// <returns>The end of the log behind the heartbeat.</returns>
    private Task<string> HeartbeatAsync(string slot, string logged, CancellationToken cancellation) => server.CallAsync(async database =>
    {
        await using NpgsqlBatch batch = database.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand(
            "SELECT pg_logical_emit_message(true, $1, $2) WHERE pg_current_wal_insert_lsn()::text <> "
                + "$3").With(Prefix).With(slot).With(logged));
        batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT pg_current_wal_insert_lsn()::text"));
        await using NpgsqlDataReader rows = await batch.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        await rows.NextResultAsync(cancellation).ConfigureAwait(false);
        await rows.ReadAsync(cancellation).ConfigureAwait(false);
        return rows.GetString(0);
    }, cancellation);
}
