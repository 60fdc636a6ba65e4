using System.Net;
using StackExchange.Redis;

namespace Sluice.Redis;

/// <summary>Which server it is, and whether it may be used.</summary>
internal sealed partial class Connection
{
    private volatile EndPoint[]? servers;            // of a cluster: who had the slot when it was last asked, the master first

    // To the server; in a cluster, to the one that has the slot now.
    private async Task<Link> OpenLinkAsync(CancellationToken cancellation)
    {
        Link fresh = await Link.OpenAsync(servers is null ? address.Options : address.Among(servers), options.Longest, cancellation).ConfigureAwait(false);
        return servers is null ? fresh : await GoToMasterAsync(fresh, cancellation).ConfigureAwait(false);
    }

    // Asks a server of a cluster who has the slot of the store, and connects there instead.
    private async Task<Link> GoToMasterAsync(Link any, CancellationToken cancellation)
    {
        try
        {
            if (!any.IsConnected) throw new TimeoutException();
            RedisResult slots = await AnswerAsync(any.Database.ExecuteAsync(ServerAddress.ClusterCommand, "SLOTS"), isRepeatable: true, cancellation).ConfigureAwait(false);
            EndPoint[] found = ClusterSlot.ServersOf(ClusterSlot.Of(options.Prefix), slots);
            if (found.Length == 0) throw new TimeoutException();            // nobody, for the moment
            servers = found;
            return await Link.OpenAsync(address.Only(found[0]), options.Longest, cancellation).ConfigureAwait(false);
        }
        finally
        {
            any.Close();
        }
    }

    // A connection that was made anew may lead to a server that was set up otherwise meanwhile.
    private async Task LookAtAsync(Link used, CancellationToken cancellation)
    {
        int restored = used.Restored;
        string told = (string)await AnswerAsync(used.Database.ExecuteAsync("INFO", "memory"), isRepeatable: true, cancellation).ConfigureAwait(false);
        Judge(used, ServerInfo.Read(told), restored);
    }

    private void Judge(Link used, ServerInfo info, int? restored = null)
    {
        if (!options.AllowEviction && info.EvictionPolicy is not ("" or "noeviction")) throw Failures.Evicts(address, info.EvictionPolicy);
        used.LookedAt = restored ?? used.Restored;
    }

    private async Task CheckFlushingAsync(ServerInfo info, CancellationToken cancellation)
    {
        var settings = (RedisResult[])await AnswerAsync(Database.ExecuteAsync("CONFIG", "GET", "appendfsync"), isRepeatable: true, cancellation).ConfigureAwait(false);
        if (!info.HasLog || settings.Length < 2 || (string)settings[1] != "always")
            throw new StreamStoreException(
                $"The server at {address} does not flush what it writes before it answers, so Durability.Power cannot be had: set appendonly yes and appendfsync always, or ask for Durability.Process.");
    }
}
