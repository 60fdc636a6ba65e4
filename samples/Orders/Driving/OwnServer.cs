using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Npgsql;

namespace Orders.Driving;

/// <summary>A PostgreSQL of this program's own, on a free port of the loopback address, that forgets nothing: <c>fsync</c> is on.</summary>
internal sealed class OwnServer : IAsyncDisposable
{
    // The server runs beside a shell that kills it when this program has gone, because then the shell's input is closed.
    private const string WatchedByShell = """
        exec 3<&0 2>/dev/null
        "$@" </dev/null 2>&1 & server=$!
        echo "started $server"
        { cat <&3; kill -9 $server; } >/dev/null & watch=$!
        wait $server
        kill $watch
        """;

    // PostgreSQL refuses to run as root.
    private static readonly string[] AsPostgres = Environment.UserName == "root"
        ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"] : [];

    private readonly string directory = Directory.CreateTempSubdirectory("orders-").FullName;
    private readonly string password = Convert.ToHexString(RandomNumberGenerator.GetBytes(16));
    private readonly int port = FreePort();
    private readonly string programs;
    private Process? shell;
    private int server;
    private bool isKept;

    private OwnServer(string programs) => this.programs = programs;

    /// <summary>The connection string.</summary>
    public string Address => $"Host=127.0.0.1;Port={port};Database=postgres;Username=postgres;Password={password};Timeout=5";

    private string Data => Path.Combine(directory, "data");

    /// <summary>Creates one, and starts it.</summary>
    /// <exception cref="UserMistake">PostgreSQL is not installed, or does not start.</exception>
    public static async Task<OwnServer> StartAsync(CancellationToken cancellation)
    {
        var own = new OwnServer(Programs() ?? throw new UserMistake("The programs initdb and postgres were not found, neither on the path "
            + "nor in /usr/lib/postgresql: install PostgreSQL, or name a server by --store."));
        try
        {
            string file = Path.Combine(own.directory, "password");
            await File.WriteAllTextAsync(file, own.password, cancellation);
            if (AsPostgres.Length > 0) await RunAsync(["chown", "-R", "postgres", own.directory], cancellation);
            await RunAsync([.. AsPostgres, Path.Combine(own.programs, "initdb"), "-D", own.Data, "-U", "postgres", "-E", "UTF8",
                "--locale=C", "--auth=scram-sha-256", $"--pwfile={file}"], cancellation);
            await own.StartAgainAsync(cancellation);
            return own;
        }
        catch
        {
            await own.DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends it at once, as <c>kill -9</c> of the postmaster does, and starts it again over its data.</summary>
    public async Task KillAndStartAsync(CancellationToken cancellation)
    {
        using (Process kill = Process.Start("kill", ["-9", $"{server}"])) await kill.WaitForExitAsync(cancellation);
        await shell!.WaitForExitAsync(cancellation);
        shell.Dispose();
        shell = null;
        File.Delete(Path.Combine(Data, "postmaster.pid"));
        await StartAgainAsync(cancellation);
    }

    /// <summary>Keeps its data when it ends.</summary>
    /// <returns>The data directory.</returns>
    public string Keep()
    {
        isKept = true;
        return Data;
    }

    /// <summary>Ends it, and deletes its data unless they are kept.</summary>
    public async ValueTask DisposeAsync()
    {
        if (shell is { } running)
        {
            running.StandardInput.Close();
            await running.WaitForExitAsync();
            running.Dispose();
        }
        // Backends outlive their postmaster for a moment, and still write. They are no children of this program: it can only try again.
        for (int tries = 1; !isKept && Directory.Exists(directory); tries++)
        {
            try
            {
                Directory.Delete(directory, recursive: true);
            }
            catch (IOException) when (tries < 50)
            {
                await Task.Delay(100);
            }
        }
    }

    // Backends outlive a killed postmaster for a moment. Until they have ended, no other one starts. They are no children of this
    // program, so nothing tells it of their end, and it tries again.
    private async Task StartAgainAsync(CancellationToken cancellation)
    {
        for (int tries = 1; await TryStartAsync(cancellation) is { } said; tries++)
        {
            if (tries == 100 || !said.Contains("shared memory block", StringComparison.Ordinal))
                throw new UserMistake($"postgres did not start: {said}");
            await Task.Delay(100, cancellation);
        }
    }

    /// <returns>Null if it accepts connections; otherwise what it said before it ended.</returns>
    private async Task<string?> TryStartAsync(CancellationToken cancellation)
    {
        shell = Process.Start(new ProcessStartInfo("sh", ["-c", WatchedByShell, "sh", .. AsPostgres,
            Path.Combine(programs, "postgres"), "-D", Data, "-p", $"{port}", "-k", directory, "-c", "listen_addresses=127.0.0.1"])
        { RedirectStandardInput = true, RedirectStandardOutput = true, WorkingDirectory = directory })!;
        var said = new List<string>();
        while (await shell.StandardOutput.ReadLineAsync(cancellation) is { } line)
        {
            said.Add(line);
            if (line.StartsWith("started ", StringComparison.Ordinal)) server = int.Parse(line[8..]);
            if (!line.Contains("ready to accept connections", StringComparison.Ordinal)) continue;
            _ = shell.StandardOutput.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None);
            NpgsqlConnection.ClearAllPools();
            return null;
        }
        shell.Dispose();
        shell = null;
        return string.Join(" | ", said.TakeLast(3));
    }

    private static async Task RunAsync(string[] command, CancellationToken cancellation)
    {
        using Process run = Process.Start(new ProcessStartInfo(command[0], command[1..])
        { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Path.GetTempPath() })!;
        Task<string> output = run.StandardOutput.ReadToEndAsync(cancellation), errors = run.StandardError.ReadToEndAsync(cancellation);
        await run.WaitForExitAsync(cancellation);
        await output;
        if (run.ExitCode != 0) throw new UserMistake($"{command[0]} ended with {run.ExitCode}: {(await errors).Trim()}");
    }

    private static string? Programs()
    {
        IEnumerable<string> places = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        const string Debian = "/usr/lib/postgresql";
        if (Directory.Exists(Debian)) places = places.Concat(Directory.GetDirectories(Debian).Order(StringComparer.Ordinal).Reverse()
            .Select(version => Path.Combine(version, "bin")));
        return places.FirstOrDefault(place => File.Exists(Path.Combine(place, "initdb")) && File.Exists(Path.Combine(place, "postgres")));
    }

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
