using System.Diagnostics;
using System.Globalization;
using StackExchange.Redis;

namespace Sluice.Bench;

/// <summary>
/// The only <c>redis-server</c> of a run of this program, with an append-only file that is flushed once a second; installed if it is
/// missing and that is allowed.
/// </summary>
internal static class BenchServer
{
    private static RedisServer? server;

    public static async Task<RedisServer> GetAsync()
    {
        if (server is not null) return server;
        string[] folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        if (!Array.Exists(folders, folder => File.Exists(Path.Combine(folder, "redis-server"))))
        {
            using Process installing = Process.Start("apt-get", ["install", "-y", "-qq", "redis-server"]);
            await installing.WaitForExitAsync();
            if (installing.ExitCode != 0) throw new InvalidOperationException(
                "redis-server is missing, and could not be installed: apt-get install redis-server.");
        }
        return server = await RedisServer.StartAsync("--appendfsync", "everysec");
    }

    /// <summary>A figure of the server's <c>INFO</c>.</summary>
    public static async Task<double> InfoAsync(string field)
    {
        using ConnectionMultiplexer raw = await ConnectionMultiplexer.ConnectAsync((await GetAsync()).Address + ",allowAdmin=true");
        string info = (string)(await raw.GetDatabase().ExecuteAsync("INFO"))!;
        string line = info.Split("\r\n").First(one => one.StartsWith(field + ":", StringComparison.Ordinal));
        return double.Parse(line.AsSpan(field.Length + 1), CultureInfo.InvariantCulture);
    }

    public static void Stop()
    {
        server?.DisposeAsync().AsTask().GetAwaiter().GetResult();
        server = null;
    }
}
