namespace Sluice.Redis;

// The identity of the server, and the checks of its settings.
internal sealed partial class Connection
{
    // A new connection may lead to a server with other settings. Returns the sockets that were checked.
    private async ValueTask<int> LookAtAsync(Link used, CancellationToken cancellation)
    {
        int sockets = used.Sockets;
        if (used.LookedAt == sockets) return sockets;
        RedisResult told = await AnswerAsync(used.InfoAsync("all"), isRepeatable: true, cancellation).ConfigureAwait(false);
        ServerInfo info = ServerInfo.Read((string?)told);
        if (options.Durability == Durability.Power) await CheckFlushingAsync(used, info, cancellation).ConfigureAwait(false);
        await JudgeAsync(used, info, sockets, cancellation).ConfigureAwait(false);
        return sockets;
    }

    // The call may have used a newer connection than the last check. Its answer is known: if the check fails now, the next call checks
    // again.
    private async ValueTask LookAgainAsync(Link used, CancellationToken cancellation)
    {
        try
        {
            await LookAtAsync(used, cancellation).ConfigureAwait(false);
        }
        catch (Exception failure) when (Failures.MayPass(failure))
        {
        }
    }

    private async Task JudgeAsync(Link used, ServerInfo info, int sockets, CancellationToken cancellation)
    {
        if (info.IsClustered != used.Target.IsClustered)
        {
            // The client has reached the server, and the store's own question has failed. If it had too little time, it is asked again.
            if (info.IsClustered && address.Options.Ssl && route.Unanswered is { } failure and not OperationCanceledException)
                throw Failures.WantsCertificates(address, failure);
            throw new TimeoutException();            // another server has taken its place: the link must be replaced
        }
        // A failover may be under way.
        if (info.IsReplica) throw new NoMasterException($"The Redis server at {address} is a replica: connect to the master.");
        await CheckUserAsync(used, cancellation).ConfigureAwait(false);
        if (!options.AllowEviction && info.EvictionPolicy is not ("" or "noeviction")) throw Failures.Evicts(address, info.EvictionPolicy);
        used.LookedAt = sockets;
    }

    // The client ignores that a login fails. If the default user has no password, the server then takes the client for that user.
    private async Task CheckUserAsync(Link used, CancellationToken cancellation)
    {
        if (address.Options.User is not { Length: > 0 } user) return;
        string[] words;
        try
        {
            words = $"{await AnswerAsync(used.Database.ExecuteAsync("CLIENT", ["INFO"], CommandFlags.DemandMaster), isRepeatable: true,
                cancellation).ConfigureAwait(false)}".Split(' ', '\n');
        }
        catch (Exception refused) when (refused is RedisCommandException or RedisServerException && !Failures.MayPass(refused))
        {
            return;                                  // the command is not permitted, renamed, or unknown to a server of another kind
        }
        if (Array.Find(words, static word => word.StartsWith("user=", StringComparison.Ordinal)) is not { } told || told[5..] == user)
            return;
        used.Close();                                // the next call logs in again
        throw Failures.WantsPassword(address);
    }

    private async Task CheckFlushingAsync(Link used, ServerInfo info, CancellationToken cancellation)
    {
        var settings = (RedisResult[]?)await AnswerAsync(used.Database.ExecuteAsync("CONFIG", "GET", "appendfsync"), isRepeatable: true,
            cancellation).ConfigureAwait(false);
        if (!info.HasLog || settings is not [_, var flushed, ..] || (string?)flushed != "always")
            throw new StreamStoreException(
                $"The server at {address} does not flush what it writes before it answers, so Durability.Power cannot be had: set "
                    + $"appendonly yes and appendfsync always, or ask for Durability.Process.");
    }
}
