using StackExchange.Redis;

namespace Sluice.Redis;

/// <summary>Which server it is, and whether it may be used.</summary>
internal sealed partial class Connection
{
    // A connection that was made anew may lead to a server that was set up otherwise meanwhile. Returns the connections over which it was looked at.
    private async ValueTask<int> LookAtAsync(Link used, CancellationToken cancellation)
    {
        int sockets = used.Sockets;
        if (used.LookedAt == sockets) return sockets;
        string told = (string)await AnswerAsync(used.Database.ExecuteAsync("INFO", "memory"), isRepeatable: true, cancellation).ConfigureAwait(false);
        Judge(used, ServerInfo.Read(told), sockets);
        return sockets;
    }

    // The call may have gone over a connection that is newer than the look before it. Its answer is known: if the server cannot be asked now, the next call looks.
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

    private void Judge(Link used, ServerInfo info, int sockets)
    {
        if (info.IsClustered) throw Failures.Clustered(address);
        if (!options.AllowEviction && info.EvictionPolicy is not ("" or "noeviction")) throw Failures.Evicts(address, info.EvictionPolicy);
        used.LookedAt = sockets;
    }

    private async Task CheckFlushingAsync(ServerInfo info, CancellationToken cancellation)
    {
        var settings = (RedisResult[])await AnswerAsync(Database.ExecuteAsync("CONFIG", "GET", "appendfsync"), isRepeatable: true, cancellation).ConfigureAwait(false);
        if (!info.HasLog || settings.Length < 2 || (string)settings[1] != "always")
            throw new StreamStoreException(
                $"The server at {address} does not flush what it writes before it answers, so Durability.Power cannot be had: set appendonly yes and appendfsync always, or ask for Durability.Process.");
    }
}
