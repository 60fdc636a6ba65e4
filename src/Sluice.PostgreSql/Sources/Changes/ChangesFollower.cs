using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Npgsql.Replication;

namespace Sluice.PostgreSql.Sources;

/// <summary>
/// Follows a publication for one run. The name of the slot is stored before the slot is created, and the place in the log with each change:
/// so the next run knows what belongs to it.
/// </summary>
internal sealed class ChangesFollower<T>(string name, string connectionString, string publication, Func<PostgresChange, T> item,
    PostgresChangesOptions options)
{
    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(100), MaxWait = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan MaxStatusInterval = TimeSpan.FromSeconds(10);

    private readonly NpgsqlDataSource database = DataSources.Make(connectionString, new() { MaxConnections = 3 });
    private SourceServer server = null!;
    private ChangesCatalog catalog = null!;
    private SourceProgress progress = null!;
    private ChangesPosition? position;

    public async IAsyncEnumerable<WithPosition<T>> ReadAsync(SourceProgress told, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await using var closing = database.ConfigureAwait(false);
        (progress, server) = (told, new(name, database, options.OnWarning, options.Time));
        catalog = new(server, publication);
        if (!progress.Start.IsEmpty) position = ChangesPosition.Read(progress.Start, name);
        if (progress.Interrupted is not null && position is null or { IsSnapshot: true }) progress.PassOverInterrupted();
        string? away = null;
        TimeSpan wait = FirstWait;
        while (true)
        {
            IAsyncEnumerator<(PostgresChange Change, ChangesPosition Position)> changes = ConnectedAsync(cancellation)
                .GetAsyncEnumerator(cancellation);
            await using var ending = changes.ConfigureAwait(false);
            while (true)
            {
                (bool has, Exception? failure) = await MoveAsync(changes, cancellation).ConfigureAwait(false);
                if (failure is not null)
                {
                    if (away != failure.Message) server.Warn($"the connection to the PostgreSQL server is lost, and is made anew: "
                        + $"{failure.Message}");
                    away = failure.Message;
                    break;
                }
                if (!has) break;
                if (away is not null) server.Warn("changes come again.");
                (away, wait) = (null, FirstWait);
                byte[] behind = changes.Current.Position.ToBytes();
                T one = Made(changes.Current.Change);
                position = changes.Current.Position;
                yield return new(one, behind);
            }
            await changes.DisposeAsync().ConfigureAwait(false);
            if (!progress.IsStored) throw new InvalidDataException(
                $"The connection of the producer '{name}' is lost. Without a consecutor with a store behind it, it cannot go on: {away}");
            await RetryPause.WaitAsync(wait, options.Time, cancellation).ConfigureAwait(false);
            wait = wait * 2 < MaxWait ? wait * 2 : MaxWait;
        }
    }

    private async IAsyncEnumerable<(PostgresChange Change, ChangesPosition Position)> ConnectedAsync(
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        ChangesServer known = await catalog.ServerAsync(cancellation).ConfigureAwait(false);
        SlotCheck.Server(known, position, name, publication);
        await using var connection = new LogicalReplicationConnection(ChangesAddress.OfReplication(connectionString, known));
        connection.WalReceiverStatusInterval = known.SenderTimeout > TimeSpan.Zero && known.SenderTimeout / 3 < MaxStatusInterval
            ? known.SenderTimeout / 3 : MaxStatusInterval;
        await connection.Open(cancellation).ConfigureAwait(false);
        connection.CommandTimeout = Timeout.InfiniteTimeSpan;       // a slot waits for open transactions
        ReplicationSystemIdentification system = await connection.IdentifySystem(cancellation).ConfigureAwait(false);
        (string System, uint Timeline) identity = (system.SystemId, system.Timeline);
        if (position is null or { IsSnapshot: true })
        {
            ChangesPosition begun = await BeginAsync(identity, known.Publication, cancellation).ConfigureAwait(false);
            await foreach ((PostgresChange, ChangesPosition) change in new ChangesSnapshot(server, catalog, database, options.HasSnapshot)
                .ReadAsync(connection, known, begun, !progress.IsStored, cancellation).ConfigureAwait(false)) yield return change;
        }
        else
        {
            // A heartbeat stores a position without an item, and the slot has moved on to it.
            if (progress.IsStored && !progress.Stored.IsEmpty && ChangesPosition.Read(progress.Stored, name) is var stored
                && stored.Flushed > position.Flushed) position = stored;
            SlotState? slot = await catalog.SlotAsync(position.Slot, cancellation).ConfigureAwait(false);
            SlotCheck.Slot(slot, position, known, identity, StorePlace.Of(connectionString, "").Database, name, publication);
            if (identity.Timeline != position.Timeline) server.WarnOnce(
                $"the server has another timeline ({identity.Timeline}, and {position.Timeline} before): a replica with the slot was "
                    + "promoted.");
        }
        ChangesPosition from = position! with { Timeline = identity.Timeline, Publication = known.Publication };
        await foreach ((PostgresChange, ChangesPosition) change in new ChangesStream(server, publication, options, progress)
            .ReadAsync(connection, known, from, cancellation).ConfigureAwait(false)) yield return change;
    }

    /// <summary>Stores the name of the slot, and drops what an interrupted snapshot has left.</summary>
    private async Task<ChangesPosition> BeginAsync((string System, uint Timeline) identity, long published,
        CancellationToken cancellation)
    {
        string slot = position?.Slot ?? options.Slot ?? NewSlot();
        ChangesPosition begun = new(true, identity.System, identity.Timeline, slot, 0, 0, 0, published);
        bool exists = progress.IsStored && await catalog.SlotAsync(slot, cancellation).ConfigureAwait(false) is not null;
        if (exists && position is null) throw new InvalidDataException(
            $"There is a slot {slot} already, and the producer '{name}' has no position in it: another program may need it. Give another "
                + "name (PostgresChangesOptions.Slot), or drop the slot.");
        if (exists) await catalog.RunAsync("SELECT pg_drop_replication_slot($1::name)", slot, cancellation).ConfigureAwait(false);
        await progress.StoreAsync(begun.ToBytes(), cancellation).ConfigureAwait(false);
        position = begun;
        return begun;
    }

    private string NewSlot()
    {
        const int MaxName = 40;
        string letters = new([.. name.ToLowerInvariant().Select(static letter => char.IsAsciiLetterOrDigit(letter) ? letter : '_')
            .Take(MaxName)]);
        return $"sluice_{letters}_{RandomNumberGenerator.GetHexString(8, lowercase: true)}";
    }

    /// <returns>Whether there is a change; or a failure that passes.</returns>
    private async ValueTask<(bool Has, Exception? Failure)> MoveAsync(IAsyncEnumerator<(PostgresChange, ChangesPosition)> changes,
        CancellationToken cancellation)
    {
        try
        {
            return (await changes.MoveNextAsync().ConfigureAwait(false), null);
        }
        catch (Exception) when (cancellation.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellation);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InsufficientPrivilege
            || e.MessageText.Contains("replication", StringComparison.OrdinalIgnoreCase)
                && e.SqlState.StartsWith("28", StringComparison.Ordinal))
        {
            throw new InvalidDataException($"The user of the producer '{name}' may not do this: {e.MessageText}. ALTER ROLE … "
                + "REPLICATION, and GRANT SELECT on the tables. A policy of row-level security hides rows: BYPASSRLS.", e);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UndefinedObject && position is not null
            && e.MessageText.Contains($"\"{publication}\"", StringComparison.Ordinal)
            && !e.MessageText.Contains(position.Slot, StringComparison.Ordinal))
        {
            throw SlotCheck.NoPublication(publication, name, position, e);
        }
        catch (PostgresException e) when (e.SqlState != PostgresErrorCodes.ObjectInUse && !SourceServer.MayPass(e))
        {
            throw server.Refused(e);
        }
        catch (Exception e) when (e is PostgresException
            || e.InnerException is PostgresException { SqlState: PostgresErrorCodes.ObjectInUse }
            || SourceServer.MayPass(e))
        {
            return (false, e);
        }
    }

    private T Made(PostgresChange change)
    {
        try
        {
            return item(change);
        }
        catch (Exception e)
        {
            throw new InvalidDataException(
                $"The producer '{name}' could make no item of a change ({change.Kind} of {change.Schema}.{change.Table}, transaction "
                    + $"{change.TransactionId} at {SlotCheck.Lsn(change.CommitLsn)}): {e.Message}", e);
        }
    }
}
