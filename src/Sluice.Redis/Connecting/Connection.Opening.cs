using Sluice.Diagnostics;

namespace Sluice.Redis;

// The first connection, and the preparation of a server. A server that is starting is waited for.
internal sealed partial class Connection
{
    private bool lacksLog;                           // at the opening

    /// <exception cref="StreamStoreException">No server answers, it is no Redis server, it refuses the password, or it is too
    /// old.</exception>
    public static async Task<Connection> OpenAsync(ServerAddress address, RedisStoreOptions options, CancellationToken cancellation)
    {
        var route = new Route(address, options);
        var silence = new ServerSilence(options.Watch(address));
        long begun = TimeProvider.System.GetTimestamp();
        // One attempt to connect may take long.
        using ITimer notice = TimeProvider.System.CreateTimer(_ => silence.Miss(begun, null), null, options.OpeningNoticeAfter,
            Timeout.InfiniteTimeSpan);
        void Found() => notice.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        while (true)
        {
            // A server that is starting or restarting will be available in a moment.
            bool isLast = TimeProvider.System.GetElapsedTime(begun) >= options.Timeout;
            try
            {
                if (await TryOpenAsync(address, route, options, silence, Found, isLast, cancellation).ConfigureAwait(false) is { } open)
                {
                    silence.Open();
                    open.TellLack();
                    return open;
                }
                silence.Miss(begun, null);
            }
            catch (Exception failure) when (!isLast && Failures.MayPass(failure))
            {
                silence.Miss(begun, failure);
            }
            catch (Exception failure) when (Failures.Explain(failure, address) is { } explained)
            {
                throw explained;
            }
            await RetryPause.WaitAsync(BeforeRepetition, TimeProvider.System, cancellation).ConfigureAwait(false);
        }
    }

    // Null if no server answers, unless this was the last attempt.
    private static async Task<Connection?> TryOpenAsync(ServerAddress address, Route route, RedisStoreOptions options,
        ServerSilence silence, Action found, bool isLast, CancellationToken cancellation)
    {
        Target target = await route.FindAsync(cancellation).ConfigureAwait(false);
        if (route.IsOther) throw Failures.Other(address);
        if (route.IsAway) return isLast ? throw Failures.NotThere(address) : null;
        Link link = await Link.OpenAsync(target, options.Longest, cancellation).ConfigureAwait(false);
        var connection = new Connection(address, route, link, options, silence);
        try
        {
            if (link.IsConnected)
            {
                found();
                int sockets = link.Sockets;
                ServerInfo info = await connection.InfoAsync(cancellation).ConfigureAwait(false);
                if (info.MajorVersion < 7)
                    throw new StreamStoreException($"The server at {address} is Redis {info.Version}; Sluice needs 7.0 or newer.");
                if (info.IsReplica && address.Options.EndPoints.Count == 1) throw Failures.Replica(address);
                await connection.JudgeAsync(link, info, sockets, cancellation).ConfigureAwait(false);
                if (options.Durability == Durability.Power)
                    await connection.CheckFlushingAsync(link, info, cancellation).ConfigureAwait(false);
                if (options.MustExist) await connection.CheckStoreAsync(cancellation).ConfigureAwait(false);
                await connection.PrepareAsync(0, lacksLibrary: false, limit: null, cancellation).ConfigureAwait(false);
                connection.lacksLog = info.LacksLog && options.Durability.Replicas == 0;
                return connection;
            }
            if (Failures.Refused(address, link.Log) is { } refused) throw refused;
            if (isLast) throw Failures.NotThere(address);
        }
        catch
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }
        await connection.DisposeAsync().ConfigureAwait(false);
        return null;
    }

    private async Task CheckStoreAsync(CancellationToken cancellation)
    {
        RedisValue id = await AnswerAsync(Database.HashGetAsync(Meta, "id", CommandFlags.DemandMaster), isRepeatable: true, cancellation)
            .ConfigureAwait(false);
        if (!id.IsNull) return;
        await RefuseTornAsync(cancellation).ConfigureAwait(false);
        throw Failures.NoStore(address, options.Prefix);
    }

    /// <summary>
    /// Refuses a store whose meta key is missing, or knows of no stream, while the server has other keys of the store: the server has
    /// loaded a part of its append-only file. Only a store without streams is searched for keys; and not where the server may have evicted
    /// any key.
    /// </summary>
    internal async Task RefuseTornAsync(CancellationToken cancellation)
    {
        if (options.AllowEviction || await IsWholeAsync().ConfigureAwait(false)) return;
        string at = "0";
        do
        {
            var page = (RedisResult[])(await AnswerAsync(Database.ExecuteAsync("SCAN", [at, "MATCH", $"{{{options.Prefix}}}:*", "COUNT",
                1000], CommandFlags.DemandMaster), isRepeatable: true, cancellation).ConfigureAwait(false))!;
            at = (string)page[0]!;
            if (((string[])page[1]!).FirstOrDefault(key => key != Meta) is not { } other) continue;
            if (await IsWholeAsync().ConfigureAwait(false)) return;          // another process has made the store since the first look
            throw Failures.Torn(address, $"{Meta}", other);
        }
        while (at != "0");

        async Task<bool> IsWholeAsync()
        {
            RedisValue[] meta = await AnswerAsync(Database.HashGetAsync(Meta, ["id", "made"], CommandFlags.DemandMaster),
                isRepeatable: true, cancellation).ConfigureAwait(false);
            return !meta[0].IsNull && !meta[1].IsNull;
        }
    }

    // Of concurrent callers that find the server unprepared, one prepares it. The library is loaded only if it is missing: a full memory
    // refuses to load it, and must not keep those away who make room.
    private async Task PrepareAsync(int seen, bool lacksLibrary, (long Begun, TimeSpan Most)? limit, CancellationToken cancellation)
    {
        await preparing.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (preparations != seen) return;
            await Cleaning.EnsureAsync(this, address, limit, cancellation).ConfigureAwait(false);
            if (lacksLibrary)
                await AnswerAsync(Database.ExecuteAsync("FUNCTION", ["LOAD", "REPLACE", Script.Library], CommandFlags.DemandMaster),
                    isRepeatable: true, cancellation).ConfigureAwait(false);
            Volatile.Write(ref preparations, seen + 1);
        }
        catch (RedisServerException full) when (lacksLibrary && Failures.IsFull(full))
        {
            throw Failures.LacksLibrary(address, full);
        }
        finally
        {
            preparing.Release();
        }
    }

    /// <summary>Warns of a server that forgets everything when it ends. With copies on replicas, it does not.</summary>
    private void TellLack()
    {
        if (lacksLog)
            WarningHandlers.Tell(options.OnWarning, $"The Redis server at {address} has no append-only file (appendonly no): what it "
                + "has acknowledged since its last snapshot is lost when the server dies. Set appendonly yes in its configuration.");
    }
}
