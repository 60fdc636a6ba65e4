using System.Globalization;
using System.Net;

namespace Sluice.Redis.Tests;

/// <summary>
/// Three masters of a Redis Cluster on localhost, and replicas that a test adds. Commands change them, as those of
/// <c>redis-cli</c> do.
/// </summary>
internal sealed class RedisCluster : IAsyncDisposable
{
    public const string Password = "right-secret";
    private const int Slots = 16384;
    private const int FailsAfter = 2000;             // milliseconds without an answer
    private readonly List<RedisServer> servers = [];
    private readonly string[] settings;

    private RedisCluster(string[] settings) => this.settings = settings;

    /// <summary>The first three masters, as a connection string.</summary>
    public string Addresses => string.Join(',', servers.Take(3).Select(server => server.Address));

    public static async Task<RedisCluster> StartAsync(params string[] settings)
    {
        var cluster = new RedisCluster(settings);
        for (int i = 0; i < 3; i++)
        {
            RedisServer server = await cluster.StartServerAsync();
            await TellAsync(server, "CLUSTER", "ADDSLOTSRANGE", $"{Slots * i / 3}", $"{(Slots * (i + 1) / 3) - 1}");
            await TellAsync(server, "CLUSTER", "SET-CONFIG-EPOCH", $"{i + 1}");
            if (i > 0) await MeetAsync(server, cluster.servers[0]);
        }
        await cluster.AgreeAsync();
        // On a busy machine a server may stand still: no other server is to take its place before a test has added a replica.
        await cluster.FailAfterAsync(60_000);
        return cluster;
    }

    /// <summary>Adds a replica, and waits until it is connected.</summary>
    public async Task<RedisServer> AddReplicaAsync(RedisServer master)
    {
        await FailAfterAsync(FailsAfter);
        RedisServer replica = await StartServerAsync();
        await MeetAsync(replica, servers[0]);
        await AgreeAsync();
        await TellAsync(replica, "CLUSTER", "REPLICATE", await IdAsync(master));
        await UntilAsync(async () => await TellAsync(replica, "ROLE") is [_, _, _, "connected", ..], "The replica does not connect.");
        string id = await IdAsync(replica);          // masters vote only for a node that they know as a replica
        foreach (RedisServer server in servers)
            await UntilAsync(async () => (await TellAsync(server, "CLUSTER", "NODES")).Any(node => node.StartsWith(id,
                StringComparison.Ordinal) && node.Contains("slave", StringComparison.Ordinal)), "The replica is not known.");
        return replica;
    }

    /// <summary>Waits until the replica has everything that its master has.</summary>
    public static Task CaughtUpAsync(RedisServer master, RedisServer replica)
        => UntilAsync(async () => (await TellAsync(master, "ROLE"))[1] == (await TellAsync(replica, "ROLE"))[4],
        "The replica does not catch up.");

    /// <summary>Waits until a master serves the slot of a prefix, and returns it.</summary>
    public async Task<RedisServer> OwnerAsync(string prefix)
    {
        RedisServer? owner = null;
        await UntilAsync(async () => (owner = await FindOwnerAsync(prefix)) is not null, "Nobody serves the slot.");
        return owner!;
    }

    /// <summary>Waits until a server serves the slot of a prefix.</summary>
    public Task ServesAsync(RedisServer server, string prefix)
        => UntilAsync(async () => await FindOwnerAsync(prefix) == server, "The slot stays elsewhere.");

    private async Task<RedisServer?> FindOwnerAsync(string prefix)
    {
        int slot = SlotOf(prefix);
        foreach (RedisServer server in servers)
        {
            string[] lines = await TellAsync(server, "CLUSTER", "NODES");       // a killed server answers nothing
            if (Array.Find(lines, line => line.Contains("myself", StringComparison.Ordinal)) is { } own
                && ClusterNodes.Read(own, IPEndPoint.Parse(server.Address), false).Owner(slot) is not null) return server;
        }
        return null;
    }

    /// <summary>A master that does not serve the slot of a prefix.</summary>
    public async Task<RedisServer> OtherAsync(string prefix)
    {
        RedisServer owner = await OwnerAsync(prefix);
        return servers.Take(3).First(server => server != owner);
    }

    /// <summary>Moves the slot of a prefix, as <c>redis-cli --cluster reshard</c> does: key by key.</summary>
    /// <param name="prefix">The prefix.</param>
    /// <param name="target">The master that gets the slot.</param>
    /// <param name="halfway">Called while each of the two masters has some of the keys.</param>
    public async Task MoveSlotAsync(string prefix, RedisServer target, Func<Task>? halfway = null)
    {
        RedisServer source = await OwnerAsync(prefix);
        string slot = $"{SlotOf(prefix)}", targetId = await IdAsync(target);
        await TellAsync(target, "CLUSTER", "SETSLOT", slot, "IMPORTING", await IdAsync(source));
        await TellAsync(source, "CLUSTER", "SETSLOT", slot, "MIGRATING", targetId);
        while (await TellAsync(source, "CLUSTER", "GETKEYSINSLOT", slot, "3") is [not "", ..] keys)
        {
            await TellAsync(source, ["MIGRATE", "127.0.0.1", $"{target.Port}", "", "0", "60000", "KEYS", .. keys]);
            if (halfway is not null) await halfway();
            halfway = null;
        }
        foreach (RedisServer server in (RedisServer[])[target, source])
            await TellAsync(server, "CLUSTER", "SETSLOT", slot, "NODE", targetId);
        // The next move may begin at once. A server that does not know the epoch of the owner would take the slot with the same one.
        ClusterNodes.Node? owner = await OwnerAsync(target, SlotOf(prefix));
        foreach (RedisServer server in servers.Take(3))
            await UntilAsync(async () => await OwnerAsync(server, SlotOf(prefix)) is var known && (known is null
                || (known.Epoch == owner!.Epoch && known.Address.Equals(owner.Address))), "The servers do not agree on the slot.");
    }

    /// <summary>The owner of a slot, by a server; null if the server does not answer.</summary>
    private static async Task<ClusterNodes.Node?> OwnerAsync(RedisServer server, int slot) => ClusterNodes.Read(
        string.Join('\n', await TellAsync(server, "CLUSTER", "NODES")), IPEndPoint.Parse(server.Address), false).Owner(slot);

    /// <summary>Runs a command; returns the lines of its answer.</summary>
    public static Task<string[]> TellAsync(RedisServer server, params string[] words) => TellAsync(server.Port, words);

    public static async Task<string[]> TellAsync(int port, params string[] words)
    {
        string told = await RawClient.AskAsync(port, Password, words);
        return told.StartsWith("ERR", StringComparison.Ordinal) || told.Contains("IOERR", StringComparison.Ordinal)
            ? throw new InvalidOperationException($"{string.Join(' ', words)}: {told}") : told.TrimEnd('\n').Split('\n');
    }

    public async ValueTask DisposeAsync()
    {
        foreach (RedisServer server in servers) await server.DisposeAsync();
    }

    private async Task<RedisServer> StartServerAsync()
    {
        // A server talks to the others on its cluster port, by default 10,000 above its own port.
        RedisServer server = await RedisServer.StartAsync(["--cluster-enabled", "yes", "--cluster-node-timeout", $"{FailsAfter}",
            "--cluster-port", "{second port}", "--repl-diskless-sync-delay", "0", .. settings]);
        servers.Add(server);
        return server;
    }

    private async Task FailAfterAsync(int milliseconds)
    {
        foreach (RedisServer server in servers) await TellAsync(server, "CONFIG", "SET", "cluster-node-timeout", $"{milliseconds}");
    }

    private static Task<string[]> MeetAsync(RedisServer server, RedisServer other)
        => TellAsync(other, "CLUSTER", "MEET", "127.0.0.1", $"{server.Port}", $"{server.SecondPort}");

    private static async Task<string> IdAsync(RedisServer server) => (await TellAsync(server, "CLUSTER", "MYID"))[0];

    /// <summary>The slot of a key: CRC-16/XMODEM of its tag (the specification of Redis Cluster).</summary>
    private static int SlotOf(string tag)
    {
        int sum = 0;
        foreach (char letter in tag)
        {
            sum ^= letter << 8;
            for (int bit = 0; bit < 8; bit++) sum = (sum & 0x8000) == 0 ? sum << 1 : (sum << 1) ^ 0x1021;
        }
        return (sum & 0xFFFF) % Slots;
    }

    // Waits until all masters know each other and all slots. On a busy machine a CLUSTER MEET may get lost.
    private async Task AgreeAsync()
    {
        int asked = 0;
        foreach (RedisServer server in servers)
            await UntilAsync(async () =>
            {
                if (++asked % 50 == 0) foreach (RedisServer other in servers) await MeetAsync(other, servers[0]);
                string[] info = await TellAsync(server, "CLUSTER", "INFO"), nodes = await TellAsync(server, "CLUSTER", "NODES");
                return info.Contains("cluster_state:ok\r") && nodes.Length == servers.Count
                    && nodes.All(node => node.Contains(" connected", StringComparison.Ordinal)
                    && !node.Contains("handshake", StringComparison.Ordinal));
            }, "The servers do not agree.");
    }

    // In real time: only a call that hangs takes that long. Each question takes processors from the servers.
    private static async Task UntilAsync(Func<Task<bool>> isSo, string otherwise)
    {
        using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(30));
        for (long begun = TimeProvider.System.GetTimestamp(); !await isSo(); await pause.WaitForNextTickAsync())
            if (TimeProvider.System.GetElapsedTime(begun) > TimeSpan.FromMinutes(1)) throw new InvalidOperationException(otherwise);
    }
}
