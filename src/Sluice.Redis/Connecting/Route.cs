using System.Net;
using System.Net.Sockets;
using Sluice.Diagnostics;

namespace Sluice.Redis;

/// <summary>
/// Finds the server to connect to: the one in the connection string; of several, the master; in a Redis Cluster, the master of the store's
/// slot. All keys of a store are in one slot, because they begin with its prefix in braces. Not thread-safe.
/// </summary>
internal sealed class Route(ServerAddress address, RedisStoreOptions options)
{
    // The number of servers of a large cluster that are asked at a time.
    private const int Most = 16;
    private static readonly TimeSpan Fresh = TimeSpan.FromMilliseconds(250);

    private EndPoint[] known = [.. address.Options.EndPoints];
    private Target? last;
    private string? told;                            // the last warning of two masters
    private readonly long begun = TimeProvider.System.GetTimestamp();
    private int unanswered;                          // questions before the first answer
    private bool isAnswered;
    private long foundAt;

    /// <summary>The failure of the last question that no server has answered.</summary>
    public Exception? Unanswered { get; private set; }

    /// <summary>Whether there is one server, and its last answer was none of Redis.</summary>
    public bool IsOther => known.Length == 1 && Unanswered is OtherProtocolException;

    /// <summary>
    /// Whether there is one server, and it takes no connection, or does not answer over TLS. Then the client need not try: it would
    /// wait for seconds where nothing listens, and without end for a server that does not speak TLS. A server that is slow without TLS,
    /// or that has answered before, may answer it.
    /// </summary>
    public bool IsAway => known.Length == 1 && address.Options.Tunnel is null && (Unanswered is SocketException
        || (address.Options.Ssl && !isAnswered && Unanswered is OperationCanceledException));

    /// <summary>Asks the servers where the store is. A result of the last 250 ms is reused.</summary>
    /// <exception cref="NoMasterException">None of several servers is a master, or no server serves the slot in the cluster.</exception>
    /// <exception cref="StreamStoreException">The cluster cannot be used with these options or permissions.</exception>
    public async Task<Target> FindAsync(CancellationToken cancellation)
    {
        if (last is { IsChosen: true } && TimeProvider.System.GetElapsedTime(foundAt) < Fresh) return last;
        (last, Unanswered) = (null, null);
        last = await IsClusteredAsync(cancellation).ConfigureAwait(false) ? await FindOwnerAsync(cancellation).ConfigureAwait(false)
            : known.Length > 1 ? await FindMasterAsync(cancellation).ConfigureAwait(false) : new(address.Options, false, false);
        foundAt = TimeProvider.System.GetTimestamp();
        return last;
    }

    // A server that does not answer counts as not clustered; the client then reports the failure.
    private async Task<bool> IsClusteredAsync(CancellationToken cancellation)
    {
        foreach (EndPoint server in known)
            if (await AskAsync(server, async (raw, limit) => await raw.AskAsync(limit, "INFO", "cluster").ConfigureAwait(false),
                cancellation).ConfigureAwait(false) is { } told)
                return told.Contains("cluster_enabled:1", StringComparison.Ordinal);
        return false;
    }

    // The client would take the first of several masters. An old master that comes back as one lacks what the new one has accepted.
    private async Task<Target> FindMasterAsync(CancellationToken cancellation)
    {
        Standing?[] answers = await Task.WhenAll(known.Select(server => AskAsync(server,
            (raw, limit) => StandingAsync(raw, server, limit), cancellation))).ConfigureAwait(false);
        Standing[] given = [.. answers.OfType<Standing>()];
        // A server that the connection string names twice tells the same history twice.
        Standing[] masters = [.. given.Where(static server => server.IsMaster).DistinctBy(static server => server.History)
            .OrderByDescending(static server => server.Generation).ThenByDescending(static server => server.Time)];
        if (masters.Length > 0)
        {
            TellMasters(masters);
            return new(address.Alone(masters[0].Address), false, true);
        }
        if (given.Length == 0) return new(address.Options, false, false);        // the client may reach them, for example through a tunnel
        throw new NoMasterException($"None of the Redis servers at {address} that answer is a master.");
    }

    private void TellMasters(Standing[] masters)
    {
        string? text = masters.Length == 1 ? null
            : $"The Redis servers at {string.Join(" and ", masters.Select(static server => ServerAddress.Text(server.Address)))} are "
            + $"masters at the same time. The store uses {ServerAddress.Text(masters[0].Address)}, which has its newest copy. Make the "
            + "others replicas of it (REPLICAOF), or take them out of the connection string: what they accept is lost.";
        if (text is not null && text != told) WarningHandlers.Tell(options.OnWarning, text);
        told = text;
    }

    // Null if the server does not tell its role.
    private async Task<Standing?> StandingAsync(RawServer raw, EndPoint server, CancellationToken cancellation)
    {
        string info = await raw.AskAsync(cancellation, "INFO", "replication").ConfigureAwait(false);
        if (!info.Contains("role:", StringComparison.Ordinal)) return null;
        if (address.Options.DefaultDatabase is > 0 and var database)
            await raw.AskAsync(cancellation, "SELECT", database.ToString(CultureInfo.InvariantCulture)).ConfigureAwait(false);
        bool isMaster = info.Contains("role:master", StringComparison.Ordinal);
        string history = info.Split('\n').FirstOrDefault(static line => line.StartsWith("master_replid:", StringComparison.Ordinal))
            ?? $"{server}";
        return new(server, isMaster, history, await NumberAsync("generation").ConfigureAwait(false),
            await NumberAsync("time").ConfigureAwait(false));

        async Task<long> NumberAsync(string field)
        {
            string answer = await raw.AskAsync(cancellation, "HGET", $"{{{options.Prefix}}}:meta", field).ConfigureAwait(false);
            // It may be the one that was written last.
            if (isMaster && answer.StartsWith("-LOADING", StringComparison.Ordinal))
                throw new NoMasterException($"The Redis server at {ServerAddress.Text(server)} is a master that still loads its data.");
            return long.TryParse(answer, CultureInfo.InvariantCulture, out long number) ? number : 0;
        }
    }

    private async Task<Target> FindOwnerAsync(CancellationToken cancellation)
    {
        if (address.Options.DefaultDatabase is > 0 and var database)
            throw new StreamStoreException(
                $"The server at {address} is part of a Redis Cluster, which has the database 0 only: leave defaultDatabase={database} "
                    + $"out, and give each store a prefix of its own.")
            { IsPermanent = true };
        Answer?[] answers = await Task.WhenAll(known.Take(Most)
            .Select(server => AskAsync(server, (raw, limit) => NodesAsync(raw, server, limit), cancellation))).ConfigureAwait(false);
        Answer[] given = [.. answers.OfType<Answer>()];
        if (given.FirstOrDefault(answer => answer.Refusal is not null) is { Refusal: var refusal })
            throw new StreamStoreException(
                $"The user may not ask the Redis Cluster at {address} where the store is: give the permission for CLUSTER "
                    + $"(+cluster). ({refusal})")
            { IsPermanent = true };
        EndPoint[] others = [.. given.SelectMany(answer => answer.Nodes!.All).Select(node => node.Address)];
        Random.Shared.Shuffle(others);
        known = [.. address.Options.EndPoints.Concat(others).Distinct()];
        if (given.Select(answer => answer.Nodes!.Owner(answer.Slot)).Where(node => node is not null)
            .MaxBy(node => node!.Epoch) is not { } owner)
            throw new NoMasterException(
                $"No server of the Redis Cluster "
                    + $"at {address} {(given.Length == 0 ? "answers" : $"serves the slot {given[0].Slot}, in which the store with the "
                    + $"prefix {options.Prefix} is")}.");
        // The client takes long to notice a server that does not answer.
        bool isThere = !owner.HasFailed && await AskAsync(owner.Address, (raw, limit) => raw.AskAsync(limit, "PING"), cancellation)
            .ConfigureAwait(false) is not null;
        if (!isThere)
            throw new NoMasterException(
                $"The server {ServerAddress.Text(owner.Address)} of the Redis Cluster at {address}, which serves the slot {given[0].Slot} "
                    + $"of the store with the prefix {options.Prefix}, does not answer, and no replica has taken its place.");
        return new(address.AloneInCluster(owner.Address), true, true);
    }

    private async Task<Answer?> NodesAsync(RawServer raw, EndPoint server, CancellationToken cancellation)
    {
        string slot = await raw.AskAsync(cancellation, "CLUSTER", "KEYSLOT", $"{{{options.Prefix}}}").ConfigureAwait(false);
        string nodes = await raw.AskAsync(cancellation, "CLUSTER", "NODES").ConfigureAwait(false);
        string refusal = slot.StartsWith('-') ? slot : nodes;
        if (refusal.StartsWith("-NOPERM", StringComparison.Ordinal)) return new(null, 0, refusal[1..]);
        return int.TryParse(slot.TrimStart(':'), CultureInfo.InvariantCulture, out int number) && !nodes.StartsWith('-')
            ? new(ClusterNodes.Read(nodes, server, address.Options.Ssl), number, null) : null;
    }

    // Null if there is no answer.
    private async Task<T?> AskAsync<T>(EndPoint server, Func<RawServer, CancellationToken, Task<T>> question,
        CancellationToken cancellation) where T : class?
    {
        using var limit = new CancellationTokenSource(Limit(), TimeProvider.System);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token);
        try
        {
            RawServer raw = await RawServer.ConnectAsync(address.Options, server, options, either.Token).ConfigureAwait(false);
            await using (raw.ConfigureAwait(false))
            {
                T answer = await question(raw, either.Token).ConfigureAwait(false);
                isAnswered = true;
                return answer;
            }
        }
        catch (Exception failure) when (RawServer.IsNoAnswer(failure))
        {
            cancellation.ThrowIfCancellationRequested();
            Unanswered = failure;
            if (!isAnswered) unanswered++;
            return null;
        }
    }

    // A TLS handshake takes longer than a second on a busy machine. So each question before the first answer has a second more, but no
    // longer than the store may take to open.
    private TimeSpan Limit()
    {
        TimeSpan longest = options.Question;
        if (isAnswered || !address.Options.Ssl) return longest;
        TimeSpan left = options.Timeout - TimeProvider.System.GetElapsedTime(begun);
        return left <= longest ? longest : left < longest * (1 + unanswered) ? left : longest * (1 + unanswered);
    }

    private sealed record Answer(ClusterNodes? Nodes, int Slot, string? Refusal);

    // The history is Redis' id of what the server has written: a replica that becomes a master begins another one. Generation and time are
    // those of the store; zero if the server has none.
    private sealed record Standing(EndPoint Address, bool IsMaster, string History, long Generation, long Time);
}

/// <summary>The server that the client connects to.</summary>
/// <param name="Options">The options of the client.</param>
/// <param name="IsClustered">Whether the server belongs to a cluster. The client is not told, and treats it as a single server.</param>
/// <param name="IsChosen">Whether it was chosen from several servers. The client knows the others only if it was not.</param>
internal sealed record Target(ConfigurationOptions Options, bool IsClustered, bool IsChosen)
{
    /// <summary>Whether another target is the same server.</summary>
    public bool LeadsTo(Target other) => IsClustered == other.IsClustered && Options.EndPoints.SequenceEqual(other.Options.EndPoints);
}

/// <summary>
/// No server is the store's master at present: all are replicas, or in a cluster, no server serves the slot. A replica may take over, or
/// the slot may return.
/// </summary>
internal sealed class NoMasterException(string message) : Exception(message);
