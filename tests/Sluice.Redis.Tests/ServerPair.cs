namespace Sluice.Redis.Tests;

/// <summary>A server, and a replica that can take over from it.</summary>
internal sealed class ServerPair : IAsyncDisposable
{
    private ServerPair(RedisServer first, RedisServer second) => (First, Second) = (first, second);

    public RedisServer First { get; }

    public RedisServer Second { get; }

    /// <summary>Both servers, as a connection string.</summary>
    public string Addresses => $"{First.Address},{Second.Address}";

    public static async Task<ServerPair> StartAsync()
    {
        RedisServer first = await RedisServer.StartAsync("--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "3600",
            "--repl-timeout", "7200");
        var pair = new ServerPair(first, await RedisServer.StartAsync("--replicaof", $"127.0.0.1 {first.Port}"));
        await pair.ConfirmingAsync();
        return pair;
    }

    /// <summary>Makes the replica a master. From now on it does not get the writes of the first server.</summary>
    public Task PromoteAsync() => TellAsync(Second, "REPLICAOF", "NO", "ONE");

    /// <summary>Waits until the replica is connected.</summary>
    public async Task ConnectedAsync()
    {
        await UntilAsync(async () => await RoleAsync(Second) is [_, _, _, "connected", ..]);
    }

    /// <summary>Waits until the replica is connected and confirms writes, which it does only after its first copy of everything.</summary>
    public async Task ConfirmingAsync()
    {
        await UntilAsync(async () => await TellAsync(First, "WAIT", "1", "1000") is not ("" or "0"));
    }

    /// <summary>Waits until the replica has all writes of the first server.</summary>
    public async Task CaughtUpAsync()
    {
        await UntilAsync(async () =>
        {
            string[] master = await RoleAsync(First), copy = await RoleAsync(Second);
            return copy is [_, _, _, "connected", var offset] && offset == master[1];
        });
    }

    public async ValueTask DisposeAsync()
    {
        await Second.DisposeAsync();
        await First.DisposeAsync();
    }

    // Each question makes a connection, which takes processors from the servers.
    private static async Task UntilAsync(Func<Task<bool>> isSo)
    {
        using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!await isSo()) await pause.WaitForNextTickAsync(TestContext.Current.CancellationToken);
    }

    private static async Task<string[]> RoleAsync(RedisServer server)
        => (await TellAsync(server, "ROLE")).Split('\n');

    private static Task<string> TellAsync(RedisServer server, params string[] words) => RawClient.AskAsync(server.Port, "", words);
}
