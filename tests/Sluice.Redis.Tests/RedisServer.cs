using System.Diagnostics;
using System.Globalization;

namespace Sluice.Redis.Tests;

/// <summary>
/// A <c>redis-server</c> for tests, on a free port of localhost, with its own data directory. It also ends if this process is killed: a
/// shell beside it kills it when the input of the shell is closed.
/// </summary>
internal sealed class RedisServer : IAsyncDisposable
{
    private const string Shell = """
        exec 3<&0
        redis-server "$@" & server=$!
        echo "pid $server"
        { cat <&3; kill -9 $server; } >/dev/null 2>&1 & watch=$!
        wait $server
        kill $watch
        """;

    private static readonly AsyncLocal<string?> Folder = new();

    private readonly string directory = Directory.CreateTempSubdirectory("sluice-redis-").FullName;
    private readonly string[] settings;
    private Process? shell;
    private int id;

    private RedisServer(int port, string[] settings) => (Port, this.settings) = (port, settings);

    public int Port { get; }

    /// <summary>A second port, if the settings ask for it.</summary>
    public int SecondPort { get; } = FreePort.Next();

    private int ThirdPort { get; } = FreePort.Next();

    public string Address => $"127.0.0.1:{Port}";

    /// <summary>The connection string for a client of a test that may do everything and waits long.</summary>
    public string Admin => Address + ",allowAdmin=true,connectTimeout=60000,syncTimeout=60000,asyncTimeout=60000";

    /// <summary>The process id.</summary>
    public int Id => id;

    /// <summary>The data directory.</summary>
    public string Data => directory;

    /// <summary>The folder with the <c>redis-server</c> of the servers that the caller starts from now on; null for the system's.</summary>
    public static string? OfFolder
    {
        get => Folder.Value;
        set => Folder.Value = value;
    }

    /// <summary>Starts one, with an append-only file unless the settings say otherwise; <c>{port}</c> in them is its port, <c>{second
    /// port}</c> and <c>{third port}</c> others.</summary>
    public static async Task<RedisServer> StartAsync(params string[] settings)
    {
        for (int tries = 1; ; tries++)
        {
            var server = new RedisServer(FreePort.Next(), settings);
            try
            {
                await server.StartAgainAsync();
                return server;
            }
            catch (InvalidOperationException taken) when (tries < 10
                && taken.Message.Contains("Address already in use", StringComparison.Ordinal))
            {
                // another process has taken the port, or its cluster port, in the meantime
                await server.DisposeAsync();
            }
        }
    }

    /// <summary>Starts the server again over its data.</summary>
    public async Task StartAgainAsync()
    {
        var start = new ProcessStartInfo("sh")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = directory
        };
        if (OfFolder is { } folder) start.Environment["PATH"] = $"{folder}:{start.Environment["PATH"]}";
        // hz: how often the server checks whether a rewrite has ended. The first connection after a start waits for it.
        foreach (string argument in (string[])["-c", Shell, "sh", "--bind", "127.0.0.1", "--port", $"{Port}", "--dir", directory, "--save",
            "", "--appendonly", "yes", "--hz", "100", .. settings])
            start.ArgumentList.Add(argument.Replace("{port}", $"{Port}", StringComparison.Ordinal)
                .Replace("{second port}", $"{SecondPort}", StringComparison.Ordinal)
                .Replace("{third port}", $"{ThirdPort}", StringComparison.Ordinal));
        Process started = Process.Start(start)!;
        (shell, id) = (started, 0);
        _ = started.StandardError.BaseStream.CopyToAsync(Stream.Null);
        var said = new List<string>();
        for (bool isReady = false; !isReady || id == 0;)
        {
            if (await started.StandardOutput.ReadLineAsync() is not { } line)
            {
                shell = null;                            // it has ended by itself: there is nothing to kill
                started.Dispose();
                throw new InvalidOperationException($"redis-server did not start:\n{string.Join('\n', said)}");
            }
            said.Add(line);
            isReady |= line.Contains("Ready to accept connections", StringComparison.Ordinal);
            if (line.StartsWith("pid ", StringComparison.Ordinal)) id = int.Parse(line.AsSpan(4), CultureInfo.InvariantCulture);
        }
        _ = started.StandardOutput.BaseStream.CopyToAsync(Stream.Null);
    }

    /// <summary>Kills the server, as <c>kill -9</c> does.</summary>
    public async Task KillAsync()
    {
        if (shell is not { } running) return;
        shell = null;
        using (Process server = Process.GetProcessById(id)) server.Kill();
        await running.WaitForExitAsync();
        running.StandardInput.Close();                   // the shell that watched the server has nothing to kill any more
        running.Dispose();
    }

    /// <summary>Freezes the server: it accepts connections but does not answer.</summary>
    public Task PauseAsync() => SignalAsync("STOP");

    /// <summary>Lets a frozen server continue.</summary>
    public Task ResumeAsync() => SignalAsync("CONT");

    /// <summary>Truncates the append-only file of a stopped server by some bytes.</summary>
    public void CutLog(int bytes)
    {
        // A file from before a rewrite may still lie there: appendonly.aof.<number>.incr.aof.
        string last = Directory.GetFiles(Path.Combine(directory, "appendonlydir"), "*.incr.aof")
            .MaxBy(file => int.Parse(Path.GetFileName(file).Split('.')[2], CultureInfo.InvariantCulture))!;
        using var file = new FileStream(last, FileMode.Open);
        file.SetLength(file.Length - bytes);
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        try
        {
            Directory.Delete(directory, recursive: true);
        }
        catch (IOException)
        {
            // A child process that rewrites the file may outlive the server for a moment and still write.
        }
    }

    private async Task SignalAsync(string name)
    {
        using Process kill = Process.Start("kill", [$"-{name}", $"{id}"]);
        await kill.WaitForExitAsync();
    }
}
