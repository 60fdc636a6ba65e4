using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Sluice.Redis.Tests;

/// <summary>A <c>redis-server</c> of the tests' own, on a free port of the loopback, with its data in a directory of its own. Ended by its process id.</summary>
internal sealed class RedisServer : IAsyncDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("sluice-redis-").FullName;
    private readonly string[] settings;
    private Process? process;

    private RedisServer(int port, string[] settings) => (Port, this.settings) = (port, settings);

    public int Port { get; }
    public string Address => $"127.0.0.1:{Port}";

    public static async Task<RedisServer> StartAsync(params string[] settings)
    {
        var server = new RedisServer(FreePort(), settings);
        await server.StartAgainAsync();
        return server;
    }

    /// <summary>Starts it over the data that is there.</summary>
    public async Task StartAgainAsync()
    {
        var start = new ProcessStartInfo("redis-server") { RedirectStandardOutput = true, WorkingDirectory = directory };
        // hz: how often it sees whether a rewrite of its file has ended, which each first connection after a start waits for.
        foreach (string argument in (string[])["--bind", "127.0.0.1", "--port", $"{Port}", "--dir", directory, "--save", "", "--appendonly", "yes", "--hz", "100", .. settings])
            start.ArgumentList.Add(argument);
        process = Process.Start(start)!;
        var said = new List<string>();
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            said.Add(line);
            if (!line.Contains("Ready to accept connections", StringComparison.Ordinal)) continue;
            Process running = process;
            _ = running.StandardOutput.BaseStream.CopyToAsync(Stream.Null);
            return;
        }
        throw new InvalidOperationException($"redis-server did not start:\n{string.Join('\n', said)}");
    }

    /// <summary>Ends it at once, as <c>kill -9</c> does.</summary>
    public async Task KillAsync()
    {
        if (process is not { } running) return;
        process = null;
        running.Kill();
        await running.WaitForExitAsync();
        running.Dispose();
    }

    /// <summary>Takes bytes off the end of the append-only file, of a server that is not running.</summary>
    public void CutLog(int bytes)
    {
        // A file from before a rewrite may still lie there: appendonly.aof.<number>.incr.aof.
        string last = Directory.GetFiles(Path.Combine(directory, "appendonlydir"), "*.incr.aof").MaxBy(file => int.Parse(Path.GetFileName(file).Split('.')[2]))!;
        using var file = new FileStream(last, FileMode.Open);
        file.SetLength(file.Length - bytes);
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        Directory.Delete(directory, recursive: true);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
