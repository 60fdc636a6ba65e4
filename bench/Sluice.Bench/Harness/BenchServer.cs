using System.Diagnostics;

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

    public static void Stop()
    {
        server?.DisposeAsync().AsTask().GetAwaiter().GetResult();
        server = null;
    }
}
